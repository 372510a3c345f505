import type { LogFields, Logger } from "./types.ts";
import type { Milliseconds } from "./units.ts";

/** A warning or error of one kind is written once in this time. */
const WINDOW: Milliseconds = 60_000;

/** How many kinds of lines are remembered. Further kinds are told apart by their message alone. */
const MAX_KINDS = 100;

/** How many characters of the field `reason` or `error` tell one kind of line from another. */
const MAX_CAUSE_LENGTH = 80;

type Level = "debug" | "info" | "warn" | "error";

interface Kind {
  /** When a line of this kind was written last, by the monotonic clock. */
  writtenAt: Milliseconds;
  /** Lines of this kind since then. They were written at level debug. */
  suppressed: number;
}

/**
 * Keeps a logger from harming the service, and requests from filling the log. When the logger throws or rejects, its line is
 * lost and nothing else happens. The first warning or error of a kind is written at once; further ones within a minute are
 * written at level debug. The next warning of the kind has their number, itself included, in the field `count`.
 */
export class ProtectedLogger implements Logger {
  readonly #logger: Logger;
  readonly #monotonicNow: () => Milliseconds;
  /** The kind whose line was written last comes last. */
  readonly #kinds = new Map<string, Kind>();
  #lost = 0;

  /** @param monotonicNow A clock that is never set back (`monotonicClock`). */
  constructor(logger: Logger, monotonicNow: () => Milliseconds) {
    this.#logger = logger;
    this.#monotonicNow = monotonicNow;
  }

  /** Lines that could not be written, here or by the logger. */
  get dropped(): number {
    return this.#lost + (this.#logger.dropped ?? 0);
  }

  debug(msg: string, fields?: LogFields): void {
    this.#write("debug", msg, fields);
  }

  info(msg: string, fields?: LogFields): void {
    this.#write("info", msg, fields);
  }

  warn(msg: string, fields?: LogFields): void {
    this.#throttle("warn", msg, fields);
  }

  error(msg: string, fields?: LogFields): void {
    this.#throttle("error", msg, fields);
  }

  #throttle(level: Level, msg: string, fields?: LogFields): void {
    const now = this.#monotonicNow();
    const key = this.#keyOf(msg, fields, now);
    const kind = this.#kinds.get(key);
    if (kind !== undefined && now - kind.writtenAt < WINDOW) {
      kind.suppressed += 1;
      this.#write("debug", msg, fields);
      return;
    }
    const count = 1 + (kind?.suppressed ?? 0);
    this.#kinds.delete(key);
    this.#kinds.set(key, { writtenAt: now, suppressed: 0 });
    this.#write(level, msg, count === 1 ? fields : { ...fields, count });
  }

  #keyOf(msg: string, fields: LogFields | undefined, now: Milliseconds): string {
    const [cause = ""] = String(fields?.reason ?? fields?.error ?? "").split("\n", 1);
    const key = `${msg}\n${cause.slice(0, MAX_CAUSE_LENGTH)}`;
    if (this.#kinds.has(key) || this.#kinds.size < MAX_KINDS) return key;
    // Room is made by forgetting the kind whose line is the oldest. If that line is within the window, all lines are.
    for (const [oldest, { writtenAt }] of this.#kinds) {
      if (now - writtenAt < WINDOW) return msg;
      this.#kinds.delete(oldest);
      break;
    }
    return key;
  }

  #write(level: Level, msg: string, fields?: LogFields): void {
    try {
      const written: unknown = this.#logger[level](msg, fields);
      if (written instanceof Promise) written.catch(() => this.#countLost());
    } catch {
      this.#countLost();
    }
  }

  #countLost(): void {
    this.#lost += 1;
  }
}

/**
 * Protects a logger. Returns a `ProtectedLogger` as it is, so that its count of lines stays one.
 *
 * @param monotonicNow A clock that is never set back (`monotonicClock`).
 */
export function protectLogger(logger: Logger, monotonicNow: () => Milliseconds): ProtectedLogger {
  return logger instanceof ProtectedLogger ? logger : new ProtectedLogger(logger, monotonicNow);
}
