import type { LogFields, Logger } from "./types.ts";

/** A warning or error of one kind is written once in so many milliseconds. */
const WINDOW = 60_000;

/** Kinds of lines that are remembered. A kind beyond them shares the line of its message. */
const MAX_KINDS = 100;

/** Characters of a reason or error that tell one kind from another. */
const KIND_LENGTH = 80;

type Level = "debug" | "info" | "warn" | "error";

interface Kind {
  /** When a line of this kind was written last, by the monotonic clock. */
  writtenAt: number;
  /** How often this kind has happened since: those lines were not written. */
  count: number;
}

/**
 * A logger that can't harm the service. A logger that throws or rejects loses its line and nothing else. Requests can't fill
 * the log: the first warning or error of a kind is written at once, and more of that kind within a minute are written at
 * level debug only. The next line says how often it has happened since the line before (`count`).
 */
export class ProtectedLogger implements Logger {
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #kinds = new Map<string, Kind>();
  #lost = 0;

  /** @param now Milliseconds of a monotonic clock. */
  constructor(logger: Logger, now: () => number) {
    this.#logger = logger;
    this.#now = now;
  }

  /** Lines that could not be written, here and where `logger` writes to. */
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
    const now = this.#now();
    const key = this.#keyOf(msg, fields, now);
    const kind = this.#kinds.get(key);
    if (kind !== undefined && now - kind.writtenAt < WINDOW) {
      kind.count += 1;
      this.#write("debug", msg, fields);
      return;
    }
    const count = 1 + (kind?.count ?? 0);
    this.#kinds.delete(key);
    this.#kinds.set(key, { writtenAt: now, count: 0 });
    this.#write(level, msg, count === 1 ? fields : { ...fields, count });
  }

  #keyOf(msg: string, fields: LogFields | undefined, now: number): string {
    const [cause = ""] = String(fields?.reason ?? fields?.error ?? "").split("\n", 1);
    const key = `${msg}\n${cause.slice(0, KIND_LENGTH)}`;
    if (this.#kinds.has(key) || this.#kinds.size < MAX_KINDS) return key;
    // The Map is in the order of the last lines: if the oldest is still of this minute, all are.
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
      if (written instanceof Promise) written.catch(() => this.#lose());
    } catch {
      this.#lose();
    }
  }

  #lose(): void {
    this.#lost += 1;
  }
}

/** Protects a logger, once however often it is asked to. */
export function protectLogger(logger: Logger, now: () => number): ProtectedLogger {
  return logger instanceof ProtectedLogger ? logger : new ProtectedLogger(logger, now);
}
