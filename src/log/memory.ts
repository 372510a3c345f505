import { monotonicClock } from "../realtime/clock.ts";
import { formatCursor, newEpoch, parseCursor } from "../realtime/cursor.ts";
import type { LogEntry, Message, TailListener } from "../realtime/types.ts";
import { FifoQueue } from "./fifo-queue.ts";
import { assertNoReusedIds, fingerprint } from "./fingerprint.ts";
import {
  DEFAULT_HISTORY,
  type HistoryLimits,
  isHistoryEnabled,
  type LogStats,
  type MessageLog,
  messageSize,
  type PublishReceipt,
} from "./log.ts";
import { RememberedIds } from "./remembered-ids.ts";

/** What a memory log may be given. */
export interface MemoryLogOptions {
  /** Bounds on what is kept; the default for each that is left out. */
  readonly history?: Partial<HistoryLimits> | undefined;
  /** The wall clock, for the times that messages carry: milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /**
   * The clock by which messages and ids grow old, never set back. Default: `now`, and without that `performance.now`. So
   * neither is lost early or kept for longer when the wall clock is set.
   */
  readonly monotonicNow?: (() => number) | undefined;
}

/**
 * A log in this process's memory, gone with it: its cursors name its life, so a cursor from before a
 * restart is told from one of this life.
 */
export function createMemoryLog(options: MemoryLogOptions = {}): MessageLog {
  return new MemoryLog(options);
}

class MemoryLog implements MessageLog {
  readonly keepsHistory: boolean;
  readonly #limits: HistoryLimits;
  readonly #now: () => number;
  readonly #monotonicNow: () => number;
  readonly #epoch = newEpoch();
  readonly #listeners = new Set<TailListener>();
  /** What the tail has yet to hear; the first is being told. */
  readonly #announcements: { entries: readonly LogEntry[]; listeners: TailListener[] }[] = [];
  readonly #entries = new FifoQueue<StoredEntry>();
  #bytes = 0;
  readonly #ids = new RememberedIds();
  #sequence = 0;
  #duplicate = 0;

  constructor(options: MemoryLogOptions) {
    this.#limits = { ...DEFAULT_HISTORY, ...options.history };
    this.keepsHistory = isHistoryEnabled(this.#limits);
    this.#now = options.now ?? Date.now;
    this.#monotonicNow = monotonicClock(options);
  }

  append(messages: readonly Message[]): readonly PublishReceipt[] {
    const at = this.#now();
    const takenAt = this.#monotonicNow();
    this.#ids.trim(takenAt);
    const fingerprints = this.#check(messages);
    const fresh: LogEntry[] = [];
    const receipts = messages.map((message, index) => {
      const duplicate = this.#ids.has(message.id);
      if (duplicate) this.#duplicate += 1;
      else fresh.push(this.#append(message, fingerprints[index] ?? 0, at, takenAt));
      return { id: message.id, duplicate };
    });
    this.#trim(takenAt);
    if (fresh.length > 0) this.#announce(fresh);
    return receipts;
  }

  tail(listener: TailListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  cursor(): string {
    return this.#cursorAt(this.#sequence);
  }

  read(
    after: string | undefined,
    limit: number,
    maxBytes: number = Number.POSITIVE_INFINITY,
  ): readonly LogEntry[] | undefined {
    this.#trim(this.#monotonicNow());
    const oldest = this.#sequence - this.#entries.length;
    const sequence = after === undefined ? oldest : this.#sequenceOf(after);
    if (sequence === undefined || sequence < oldest || sequence > this.#sequence) return undefined;
    return this.#walk(sequence - oldest, 1, limit, maxBytes);
  }

  readBack(
    before: string | undefined,
    limit: number,
    maxBytes: number = Number.POSITIVE_INFINITY,
  ): readonly LogEntry[] | undefined {
    this.#trim(this.#monotonicNow());
    const end = this.#sequence + 1;
    const sequence = before === undefined ? end : this.#sequenceOf(before);
    if (sequence === undefined || sequence > end) return undefined;
    return this.#walk(this.#entries.length - 1 - (end - sequence), -1, limit, maxBytes);
  }

  stats(): LogStats {
    this.#trim(this.#monotonicNow());
    return {
      accepted: this.#sequence,
      duplicate: this.#duplicate,
      messages: this.#entries.length,
      bytes: this.#bytes,
    };
  }

  close(): void {
    this.#listeners.clear();
  }

  /** A listener may append in its turn, or start a tail: the order stays, and a tail hears only of what is new. */
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

  /** The fingerprints of messages. @throws RealtimeError `id_reused` before any of them is taken. */
  #check(messages: readonly Message[]): number[] {
    const fingerprints = messages.map(fingerprint);
    const batch = new Map<string, number>();
    const reused: number[] = [];
    for (const [index, { id }] of messages.entries()) {
      const own = fingerprints[index] ?? 0;
      const earlier = this.#ids.fingerprintOf(id) ?? batch.get(id);
      if (earlier === undefined) batch.set(id, own);
      else if (earlier !== own) reused.push(index);
    }
    assertNoReusedIds(reused);
    return fingerprints;
  }

  #append(message: Message, own: number, at: number, takenAt: number): LogEntry {
    this.#sequence += 1;
    this.#ids.add(message.id, takenAt, own);
    const entry = { cursor: this.#cursorAt(this.#sequence), at, message };
    const size = messageSize(message);
    this.#entries.push({ entry, size, takenAt });
    this.#bytes += size;
    return entry;
  }

  #sequenceOf(text: string): number | undefined {
    const cursor = parseCursor(text);
    return cursor?.shard === 0 && cursor.epoch === this.#epoch ? cursor.sequence : undefined;
  }

  #cursorAt(sequence: number): string {
    return formatCursor({ shard: 0, epoch: this.#epoch, sequence });
  }

  /** Entries from an index on, forwards (1) or backwards (-1), by `read`'s limits. */
  #walk(from: number, step: 1 | -1, limit: number, maxBytes: number): LogEntry[] {
    const found: LogEntry[] = [];
    let bytes = 0;
    for (let index = from; found.length < limit; index += step) {
      const kept = this.#entries.at(index);
      if (kept === undefined) break;
      bytes += kept.size;
      if (bytes > maxBytes && found.length > 0) break;
      found.push(kept.entry);
    }
    return found;
  }

  #trim(now: number): void {
    const { messages, maxAge, bytes } = this.#limits;
    for (let oldest = this.#entries.first; oldest !== undefined; oldest = this.#entries.first) {
      const within =
        this.#entries.length <= messages && this.#bytes <= bytes && now - oldest.takenAt < maxAge;
      if (within) return;
      this.#entries.shift();
      this.#bytes -= oldest.size;
    }
  }
}

/** One message of the history. */
interface StoredEntry {
  readonly entry: LogEntry;
  readonly size: number;
  /** When the log took it, by the monotonic clock. */
  readonly takenAt: number;
}
