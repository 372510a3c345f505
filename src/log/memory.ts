import { monotonicClock } from "../realtime/clock.ts";
import { type Cursor, newEpoch } from "../realtime/cursor.ts";
import type { LogEntry, LogPage, Message, TailListener } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import { toCandidates } from "./candidates.ts";
import { EpochChain } from "./epochs.ts";
import {
  DEFAULT_REMEMBERED_IDS,
  type LogOptions,
  type LogStats,
  type MessageLog,
  type PublishReceipt,
} from "./log.ts";
import { LogCursors } from "./log-cursors.ts";
import { MemoryHistory } from "./memory-history.ts";
import { RememberedIds } from "./remembered-ids.ts";

/** Options of `createMemoryLog`. */
export interface MemoryLogOptions extends LogOptions {
  /**
   * The clock for the ages of messages and ids, in milliseconds. It must never be set back. A change of the wall clock does
   * not change how long the log keeps a message. Default: `now` if set, otherwise `performance.now`.
   */
  readonly monotonicNow?: (() => number) | undefined;
}

/**
 * Creates a log in the memory of this process. The log's cursors contain a random epoch. After a restart, the new log
 * therefore recognises the cursors of the earlier log as unknown.
 *
 * @example
 * const log = createMemoryLog({ history: { messages: 1000, maxAge: 60_000 } });
 * const server = createServer({ log });
 */
export function createMemoryLog(options: MemoryLogOptions = {}): MessageLog {
  return new MemoryLog(options);
}

class MemoryLog implements MessageLog {
  readonly keepsHistory: boolean;
  readonly #now: () => number;
  readonly #monotonicNow: () => number;
  readonly #cursors = new LogCursors(0, new EpochChain([{ name: newEpoch(), start: 0 }]));
  readonly #listeners = new Set<TailListener>();
  /** Entries to deliver to the tail listeners. The first element is being delivered. */
  readonly #announcements: { entries: readonly LogEntry[]; listeners: TailListener[] }[] = [];
  readonly #history: MemoryHistory;
  readonly #ids: RememberedIds;
  #duplicate = 0;

  constructor(options: MemoryLogOptions) {
    this.#history = new MemoryHistory(options);
    this.#ids = new RememberedIds({ ...DEFAULT_REMEMBERED_IDS, ...options.rememberedIds });
    this.keepsHistory = this.#history.isEnabled;
    this.#now = options.now ?? Date.now;
    this.#monotonicNow = monotonicClock(options);
  }

  append(messages: readonly Message[]): readonly PublishReceipt[] {
    const at = this.#now();
    const appendedAt = this.#monotonicNow();
    this.#ids.trim(appendedAt);
    const candidates = toCandidates(messages, (id) => this.#ids.fingerprintOf(id));
    const appended: LogEntry[] = [];
    const receipts = candidates.map(({ message, content, isDuplicate }) => {
      if (isDuplicate) this.#duplicate += 1;
      else appended.push(this.#append(message, content, at, appendedAt));
      return { id: message.id, duplicate: isDuplicate };
    });
    this.#history.trim(appendedAt);
    if (appended.length > 0) this.#announce(appended);
    return receipts;
  }

  tail(listener: TailListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  cursor(): string {
    return this.#cursors.formatNewest(this.#history.end);
  }

  hasReached(cursor: Cursor): boolean {
    return this.#cursors.isValid(cursor) && cursor.sequence <= this.#history.end;
  }

  read(
    after: string | undefined,
    limit: number,
    maxBytes?: Bytes,
    topics?: readonly string[],
  ): LogPage | undefined {
    const sequence = after === undefined ? 0 : this.#cursors.sequenceOf(after);
    if (sequence === undefined || sequence > this.#history.end) return undefined;
    return this.#history.read({ sequence, now: this.#monotonicNow(), limit, maxBytes, topics });
  }

  readBack(
    before: string | undefined,
    limit: number,
    maxBytes?: Bytes,
    topics?: readonly string[],
  ): LogPage | undefined {
    const end = this.#history.end + 1;
    const sequence = before === undefined ? end : this.#cursors.sequenceOf(before);
    if (sequence === undefined || sequence > end) return undefined;
    return this.#history.readBack({ sequence, now: this.#monotonicNow(), limit, maxBytes, topics });
  }

  erase(topic: string): number {
    return this.#history.erase(topic);
  }

  stats(): LogStats {
    return {
      accepted: this.#history.end,
      duplicate: this.#duplicate,
      ...this.#history.statsAt(this.#monotonicNow()),
    };
  }

  close(): void {
    this.#listeners.clear();
  }

  /**
   * Delivers entries to the current listeners. A listener may call `append` or `tail` while it runs. Entries that it appends
   * are delivered after the current entries, so all listeners receive entries in the log's order. A listener that it adds
   * receives only entries that are appended later.
   */
  #announce(entries: readonly LogEntry[]): void {
    this.#announcements.push({ entries, listeners: [...this.#listeners] });
    if (this.#announcements.length > 1) return;
    for (let next = this.#announcements[0]; next !== undefined; next = this.#announcements[0]) {
      for (const listener of next.listeners) {
        if (this.#listeners.has(listener)) listener(next.entries);
      }
      this.#announcements.shift();
    }
  }

  #append(message: Message, content: number, at: Milliseconds, appendedAt: Milliseconds): LogEntry {
    this.#ids.add(message.id, appendedAt, content);
    const entry = { cursor: this.#cursors.format(this.#history.end + 1), at, message };
    this.#history.add(entry, appendedAt);
    return entry;
  }
}
