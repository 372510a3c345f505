import { monotonicClock } from "../realtime/clock.ts";
import { newEpoch } from "../realtime/cursor.ts";
import { matchesAny } from "../realtime/subscriptions/subscription-key.ts";
import type { LogEntry, Message, TailListener } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import { FifoQueue } from "./fifo-queue.ts";
import { assertNoReusedIds, fingerprint } from "./fingerprint.ts";
import {
  DEFAULT_HISTORY,
  ERASED,
  type HistoryLimits,
  isHistoryEnabled,
  type KeepOptions,
  type LogStats,
  type MessageLog,
  messageSize,
  type PublishReceipt,
} from "./log.ts";
import { LogCursors } from "./log-cursors.ts";
import { RememberedIds } from "./remembered-ids.ts";

/** Options of `createMemoryLog`. */
export interface MemoryLogOptions extends KeepOptions {
  /** Bounds on the messages that the log keeps. Default for each bound: `DEFAULT_HISTORY`. */
  readonly history?: Partial<HistoryLimits> | undefined;
  /** The wall clock for `LogEntry.at`, in milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
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
  readonly #limits: HistoryLimits;
  readonly #now: () => number;
  readonly #monotonicNow: () => number;
  readonly #cursors = new LogCursors(0, newEpoch());
  readonly #listeners = new Set<TailListener>();
  /** Entries to deliver to the tail listeners. The first element is being delivered. */
  readonly #announcements: { entries: readonly LogEntry[]; listeners: TailListener[] }[] = [];
  readonly #entries = new FifoQueue<StoredEntry>();
  #bytes: Bytes = 0;
  readonly #ids = new RememberedIds();
  #sequence = 0;
  #duplicate = 0;
  #erased = 0;

  constructor(options: MemoryLogOptions) {
    this.#limits = { ...DEFAULT_HISTORY, ...options.history };
    this.keepsHistory = isHistoryEnabled(this.#limits);
    this.#now = options.now ?? Date.now;
    this.#monotonicNow = monotonicClock(options);
  }

  append(messages: readonly Message[]): readonly PublishReceipt[] {
    const at = this.#now();
    const appendedAt = this.#monotonicNow();
    this.#ids.trim(appendedAt);
    const candidates = messages.map((message) => ({ message, content: fingerprint(message) }));
    this.#assertNoReusedIds(candidates);
    const appended: LogEntry[] = [];
    const receipts = candidates.map(({ message, content }) => {
      const duplicate = this.#ids.has(message.id);
      if (duplicate) this.#duplicate += 1;
      else appended.push(this.#append(message, content, at, appendedAt));
      return { id: message.id, duplicate };
    });
    this.#trim(appendedAt);
    if (appended.length > 0) this.#announce(appended);
    return receipts;
  }

  tail(listener: TailListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  cursor(): string {
    return this.#cursors.format(this.#sequence);
  }

  read(
    after: string | undefined,
    limit: number,
    maxBytes: Bytes = Number.POSITIVE_INFINITY,
  ): readonly LogEntry[] | undefined {
    this.#trim(this.#monotonicNow());
    const oldest = this.#sequence - this.#entries.length;
    const sequence = after === undefined ? oldest : this.#cursors.sequenceOf(after);
    if (sequence === undefined || sequence < oldest || sequence > this.#sequence) return undefined;
    return this.#collect(sequence - oldest, 1, limit, maxBytes);
  }

  readBack(
    before: string | undefined,
    limit: number,
    maxBytes: Bytes = Number.POSITIVE_INFINITY,
  ): readonly LogEntry[] | undefined {
    this.#trim(this.#monotonicNow());
    const end = this.#sequence + 1;
    const sequence = before === undefined ? end : this.#cursors.sequenceOf(before);
    if (sequence === undefined || sequence > end) return undefined;
    return this.#collect(this.#entries.length - 1 - (end - sequence), -1, limit, maxBytes);
  }

  erase(topic: string): number {
    this.#trim(this.#monotonicNow());
    let erased = 0;
    for (let index = 0; index < this.#entries.length; index++) {
      const stored = this.#entries.at(index);
      if (stored === undefined || !matchesAny(topic, stored.entry.message.topics)) continue;
      this.#bytes -= stored.size;
      stored.entry = { ...stored.entry, message: ERASED };
      stored.size = 0;
      erased += 1;
    }
    this.#erased += erased;
    return erased;
  }

  stats(): LogStats {
    this.#trim(this.#monotonicNow());
    return {
      accepted: this.#sequence,
      duplicate: this.#duplicate,
      messages: this.#entries.length - this.#erased,
      bytes: this.#bytes,
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

  /**
   * Compares the content of each message with that of an earlier message with the same id, among the remembered ids or in the
   * batch.
   *
   * @throws RealtimeError `id_reused` when the contents differ.
   */
  #assertNoReusedIds(candidates: readonly Candidate[]): void {
    const batch = new Map<string, number>();
    const reused: number[] = [];
    for (const [index, { message, content }] of candidates.entries()) {
      const earlier = this.#ids.fingerprintOf(message.id) ?? batch.get(message.id);
      if (earlier === undefined) batch.set(message.id, content);
      else if (earlier !== content) reused.push(index);
    }
    assertNoReusedIds(reused);
  }

  #append(message: Message, content: number, at: Milliseconds, appendedAt: Milliseconds): LogEntry {
    this.#sequence += 1;
    this.#ids.add(message.id, appendedAt, content);
    const entry = { cursor: this.#cursors.format(this.#sequence), at, message };
    const size = messageSize(message);
    this.#entries.push({ entry, size, appendedAt });
    this.#bytes += size;
    return entry;
  }

  /** Returns entries from an index on, forwards (1) or backwards (-1), within the limits of `read`. */
  #collect(from: number, step: 1 | -1, limit: number, maxBytes: Bytes): LogEntry[] {
    const entries: LogEntry[] = [];
    let bytes = 0;
    for (let index = from; entries.length < limit; index += step) {
      const stored = this.#entries.at(index);
      if (stored === undefined) break;
      bytes += stored.size;
      if (bytes > maxBytes && entries.length > 0) break;
      entries.push(stored.entry);
    }
    return entries;
  }

  #trim(now: Milliseconds): void {
    const { messages, maxAge, bytes } = this.#limits;
    for (let oldest = this.#entries.first; oldest !== undefined; oldest = this.#entries.first) {
      const isWithinLimits =
        this.#entries.length <= messages &&
        this.#bytes <= bytes &&
        now - oldest.appendedAt < maxAge;
      if (isWithinLimits) return;
      this.#entries.shift();
      this.#bytes -= oldest.size;
      if (oldest.entry.message === ERASED) this.#erased -= 1;
    }
  }
}

/** A message of a batch that is not appended yet. */
interface Candidate {
  readonly message: Message;
  /** Hash of the message's content. */
  readonly content: number;
}

/** One message of the history. */
interface StoredEntry {
  entry: LogEntry;
  /** 0 after `erase`. */
  size: Bytes;
  /** By the monotonic clock. */
  readonly appendedAt: Milliseconds;
}
