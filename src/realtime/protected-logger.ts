import type { LogFields, Logger } from "./types.ts";
import type { Milliseconds } from "./units.ts";

/** Of each kind of warning or error, one line in this time is written at its own level. */
const WINDOW: Milliseconds = 60_000;

/** Number of kinds that are remembered. Beyond this number, lines with the same message count as one kind. */
const MAX_KINDS = 100;

/** Lines of one kind have the same message, and the same first characters (this many) in the field `reason` or `error`. */
const MAX_CAUSE_LENGTH = 80;

type Level = "debug" | "info" | "warn" | "error";

interface Kind {
  /** When the last line of this kind was written at its own level, by the monotonic clock. */
  writtenAt: Milliseconds;
  /** Number of lines of this kind since then. These were written at level debug. */
  suppressed: number;
}

/**
 * Protects the service from its logger, and the log from repeated lines.
 *
 * When the logger throws or rejects, the line is lost and counted, and the service goes on. The first warning or error of a
 * kind is written at once. Further lines of this kind within a minute are written at level debug. If there were
 * such lines, the first line after that minute has the field `count`: the number of these lines, plus 1 for the line itself.
 */
export class ProtectedLogger implements Logger {
  readonly #logger: Logger;
  readonly #monotonicNow: () => Milliseconds;
  /** By message and cause, sorted by `writtenAt`: the oldest kind comes first. */
  readonly #kinds = new Map<string, Kind>();
  #lost = 0;

  /** @param monotonicNow A clock that is never set back (`monotonicClock`). */
  constructor(logger: Logger, monotonicNow: () => Milliseconds) {
    this.#logger = logger;
    this.#monotonicNow = monotonicNow;
  }

  /** Number of lines that were lost because the logger failed or dropped them. */
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
    // If the oldest kind is past the window, it makes room. Otherwise all kinds are within the window, and the key is only the
    // message.
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
 * Wraps a logger in a `ProtectedLogger`. Returns a `ProtectedLogger` unchanged: in a second wrapper, lines would be counted
 * twice.
 *
 * @param monotonicNow A clock that is never set back (`monotonicClock`).
 */
export function protectLogger(logger: Logger, monotonicNow: () => Milliseconds): ProtectedLogger {
  return logger instanceof ProtectedLogger ? logger : new ProtectedLogger(logger, monotonicNow);
}
