import { monotonicClock } from "../realtime/clock.ts";
import { type Cursor, newEpoch } from "../realtime/cursor.ts";
import type { LogEntry, LogPage, Message, TailListener } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import { toCandidates } from "./candidates.ts";
import { EpochChain } from "./epochs.ts";
import { FifoQueue } from "./fifo-queue.ts";
import { KeptTopics } from "./kept-topics.ts";
import {
  DEFAULT_HISTORY,
  DEFAULT_REMEMBERED_IDS,
  type HistoryLimits,
  isHistoryEnabled,
  type LogOptions,
  type LogStats,
  type MessageLog,
  messageSize,
  type PublishReceipt,
} from "./log.ts";
import { LogCursors } from "./log-cursors.ts";
import { PageCollector } from "./page-collector.ts";
import { RememberedIds } from "./remembered-ids.ts";
import { countBefore, type StoredEntry } from "./stored-entry.ts";
import { matchesAny } from "./topic-pattern.ts";

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
  readonly #limits: HistoryLimits;
  readonly #now: () => number;
  readonly #monotonicNow: () => number;
  readonly #cursors = new LogCursors(0, new EpochChain([{ name: newEpoch(), start: 0 }]));
  readonly #listeners = new Set<TailListener>();
  /** Entries to deliver to the tail listeners. The first element is being delivered. */
  readonly #announcements: { entries: readonly LogEntry[]; listeners: TailListener[] }[] = [];
  /** The entries within the limits, without gaps. An erased message leaves an entry without a message. */
  readonly #entries = new FifoQueue<StoredEntry>();
  readonly #kept: KeptTopics;
  #bytes: Bytes = 0;
  /** Number of erased messages in `#entries`. */
  #erased = 0;
  readonly #ids: RememberedIds;
  #sequence = 0;
  #duplicate = 0;

  constructor(options: MemoryLogOptions) {
    this.#limits = { ...DEFAULT_HISTORY, ...options.history };
    this.#kept = new KeptTopics(options);
    this.#ids = new RememberedIds({ ...DEFAULT_REMEMBERED_IDS, ...options.rememberedIds });
    this.keepsHistory = isHistoryEnabled(this.#limits) || this.#kept.hasRules;
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
    this.#trim(appendedAt);
    if (appended.length > 0) this.#announce(appended);
    return receipts;
  }

  tail(listener: TailListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  cursor(): string {
    return this.#cursors.formatNewest(this.#sequence);
  }

  hasReached(cursor: Cursor): boolean {
    return this.#cursors.isValid(cursor) && cursor.sequence <= this.#sequence;
  }

  read(
    after: string | undefined,
    limit: number,
    maxBytes: Bytes = Number.POSITIVE_INFINITY,
    topics?: readonly string[],
  ): LogPage | undefined {
    const now = this.#monotonicNow();
    this.#trim(now);
    const sequence = after === undefined ? 0 : this.#cursors.sequenceOf(after);
    if (sequence === undefined || sequence > this.#sequence) return undefined;
    const page = new PageCollector({ limit, maxBytes, now, start: sequence, end: this.#sequence });
    const trimmedTo = this.#trimmedTo;
    if (sequence < trimmedTo) {
      const kept = this.#kept.trimmed.of(topics);
      for (let index = countBefore(kept, sequence + 1); index < kept.length; index++) {
        const stored = kept[index];
        if (stored !== undefined && !page.offer(stored)) return page.finish(trimmedTo);
      }
    }
    for (let index = Math.max(sequence - trimmedTo, 0); ; index++) {
      const stored = this.#entries.at(index);
      if (stored === undefined || !page.offer(stored)) return page.finish(trimmedTo);
    }
  }

  readBack(
    before: string | undefined,
    limit: number,
    maxBytes: Bytes = Number.POSITIVE_INFINITY,
    topics?: readonly string[],
  ): LogPage | undefined {
    const now = this.#monotonicNow();
    this.#trim(now);
    const end = this.#sequence + 1;
    const sequence = before === undefined ? end : this.#cursors.sequenceOf(before);
    if (sequence === undefined || sequence > end) return undefined;
    const page = new PageCollector({ limit, maxBytes, now, start: sequence, end: 0 });
    const trimmedTo = this.#trimmedTo;
    for (let index = sequence - 2 - trimmedTo; index >= 0; index--) {
      const stored = this.#entries.at(index);
      if (stored !== undefined && !page.offer(stored)) return page.finish(trimmedTo);
    }
    const kept = this.#kept.trimmed.of(topics);
    for (let index = countBefore(kept, sequence) - 1; index >= 0; index--) {
      const stored = kept[index];
      if (stored !== undefined && !page.offer(stored)) return page.finish(trimmedTo);
    }
    return page.finish(trimmedTo);
  }

  erase(topic: string): number {
    let erased = 0;
    for (const stored of this.#stored()) {
      const { entry } = stored;
      if (entry === undefined || !matchesAny(topic, entry.message.topics)) continue;
      if (!stored.isTrimmed) {
        this.#bytes -= stored.size;
        this.#erased += 1;
      }
      stored.entry = undefined;
      stored.size = 0;
      erased += 1;
    }
    if (erased > 0) this.#kept.removeErased();
    return erased;
  }

  stats(): LogStats {
    this.#trim(this.#monotonicNow());
    return {
      accepted: this.#sequence,
      duplicate: this.#duplicate,
      messages: this.#entries.length - this.#erased,
      bytes: this.#bytes,
      kept: this.#kept.stats,
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
    this.#sequence += 1;
    this.#ids.add(message.id, appendedAt, content);
    const sequence = this.#sequence;
    const entry = { cursor: this.#cursors.format(sequence), at, message };
    const size = messageSize(message);
    const { ttl } = message;
    const stored = { sequence, appendedAt, entry, ttl, size, keepers: 0, isTrimmed: false };
    this.#entries.push(stored);
    this.#kept.add(stored);
    this.#bytes += size;
    return entry;
  }

  /** `LogPage.trimmedTo`. */
  get #trimmedTo(): number {
    return this.#sequence - this.#entries.length;
  }

  /** The entries of the log, oldest first. Some may have no message. */
  *#stored(): Generator<StoredEntry> {
    yield* this.#kept.trimmed.of(undefined);
    for (let index = 0; index < this.#entries.length; index++) {
      const stored = this.#entries.at(index);
      if (stored !== undefined) yield stored;
    }
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
      if (oldest.entry === undefined) this.#erased -= 1;
      this.#kept.trim(oldest);
    }
  }
}
