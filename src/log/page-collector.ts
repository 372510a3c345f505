import type { LogEntry, LogPage } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import { isReadable, type StoredEntry } from "./stored-entry.ts";

interface PageOptions {
  /** Maximum number and size of the entries. The first entry is added whatever its size. */
  readonly limit: number;
  readonly maxBytes: Bytes;
  /** By the monotonic clock. */
  readonly now: Milliseconds;
  /** Sequence after or before which the page begins. */
  readonly start: number;
  /** `LogPage.end` unless the page is full. */
  readonly end: number;
}

/** Collects the entries of one page. */
export class PageCollector {
  readonly #entries: LogEntry[] = [];
  readonly #options: PageOptions;
  #bytes: Bytes = 0;
  #last: number;
  #isFull = false;

  constructor(options: PageOptions) {
    this.#options = options;
    this.#last = options.start;
  }

  /** Adds an entry if it can be read. Returns false if the page has no room for it. */
  offer(stored: StoredEntry): boolean {
    const { limit, maxBytes, now } = this.#options;
    const { entry, size, sequence } = stored;
    if (entry === undefined || !isReadable(stored, now)) return true;
    this.#bytes += size;
    const isOver = this.#bytes > maxBytes && this.#entries.length > 0;
    this.#isFull = isOver || this.#entries.length >= limit;
    if (this.#isFull) return false;
    this.#entries.push(entry);
    this.#last = sequence;
    return true;
  }

  finish(trimmedTo: number): LogPage {
    const end = this.#isFull ? this.#last : this.#options.end;
    return { entries: this.#entries, end, trimmedTo };
  }
}
