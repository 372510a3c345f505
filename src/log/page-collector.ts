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
  readonly #limit: number;
  readonly #maxBytes: Bytes;
  readonly #now: Milliseconds;
  readonly #end: number;
  #bytes: Bytes = 0;
  #last: number;
  #isFull = false;

  constructor({ limit, maxBytes, now, start, end }: PageOptions) {
    this.#limit = limit;
    this.#maxBytes = maxBytes;
    this.#now = now;
    this.#last = start;
    this.#end = end;
  }

  /** Adds an entry if it can be read. Returns false if the page has no room for it. */
  offer(stored: StoredEntry): boolean {
    const { entry, size, sequence } = stored;
    if (entry === undefined || !isReadable(stored, this.#now)) return true;
    this.#bytes += size;
    const isOver = this.#bytes > this.#maxBytes && this.#entries.length > 0;
    this.#isFull = isOver || this.#entries.length >= this.#limit;
    if (this.#isFull) return false;
    this.#entries.push(entry);
    this.#last = sequence;
    return true;
  }

  finish(trimmedTo: number): LogPage {
    const end = this.#isFull ? this.#last : this.#end;
    return { entries: this.#entries, end, trimmedTo };
  }
}
