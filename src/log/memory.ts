import type { LogEntry, Message } from "../realtime/types.ts";
import { formatCursor, newLife, parseCursor } from "./cursor.ts";
import {
  type AppendReceipt,
  DEFAULT_HISTORY,
  type HistoryLimits,
  type LogStats,
  type MessageLog,
  REMEMBERED_IDS,
  sizeOf,
  type TailListener,
} from "./log.ts";

/** What a memory log may be given. */
export interface MemoryLogOptions {
  /** Bounds on what is kept; the default for each that is left out. */
  readonly history?: Partial<HistoryLimits> | undefined;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/**
 * A log in this process's memory, gone with it: its cursors name its life, so a cursor from before a
 * restart is told from one of this life.
 */
export function createMemoryLog(options: MemoryLogOptions = {}): MessageLog {
  return new MemoryLog(options);
}

class MemoryLog implements MessageLog {
  readonly #limits: HistoryLimits;
  readonly #now: () => number;
  readonly #life = newLife();
  readonly #listeners = new Set<TailListener>();
  /** What the tail has yet to hear; the first is being told. */
  readonly #announcements: { entries: readonly LogEntry[]; listeners: TailListener[] }[] = [];
  readonly #entries = new EntryQueue();
  /** id -> when it came, oldest first. */
  readonly #ids = new Map<string, number>();
  #sequence = 0;
  #duplicate = 0;

  constructor(options: MemoryLogOptions) {
    this.#limits = { ...DEFAULT_HISTORY, ...options.history };
    this.#now = options.now ?? Date.now;
  }

  append(messages: readonly Message[]): readonly AppendReceipt[] {
    const at = this.#now();
    this.#forgetIds(at);
    const fresh: LogEntry[] = [];
    const receipts = messages.map((message) => {
      const duplicate = this.#ids.has(message.id);
      if (duplicate) this.#duplicate += 1;
      else fresh.push(this.#take(message, at));
      return { id: message.id, duplicate };
    });
    this.#trim(at);
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

  read(after: string | undefined, limit: number): readonly LogEntry[] | undefined {
    this.#trim(this.#now());
    const oldest = this.#sequence - this.#entries.length;
    if (after === undefined) return this.#entries.slice(0, limit);
    const cursor = parseCursor(after);
    if (cursor === undefined || cursor.shard !== 0 || cursor.life !== this.#life) return undefined;
    if (cursor.sequence < oldest || cursor.sequence > this.#sequence) return undefined;
    return this.#entries.slice(cursor.sequence - oldest, limit);
  }

  stats(): LogStats {
    this.#trim(this.#now());
    return {
      accepted: this.#sequence,
      duplicate: this.#duplicate,
      messages: this.#entries.length,
      bytes: this.#entries.bytes,
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

  #take(message: Message, at: number): LogEntry {
    this.#sequence += 1;
    this.#ids.set(message.id, at);
    const entry = { cursor: this.#cursorAt(this.#sequence), at, message };
    this.#entries.push(entry, sizeOf(message));
    return entry;
  }

  #cursorAt(sequence: number): string {
    return formatCursor({ shard: 0, life: this.#life, sequence });
  }

  #trim(now: number): void {
    const { messages, maxAge, bytes } = this.#limits;
    for (;;) {
      const oldest = this.#entries.first;
      if (oldest === undefined) return;
      const within =
        this.#entries.length <= messages &&
        this.#entries.bytes <= bytes &&
        now - oldest.at < maxAge;
      if (within) return;
      this.#entries.shift();
    }
  }

  #forgetIds(now: number): void {
    for (const [id, at] of this.#ids) {
      if (this.#ids.size <= REMEMBERED_IDS.count && now - at < REMEMBERED_IDS.maxAge) return;
      this.#ids.delete(id);
    }
  }
}

/** A first-in-first-out list whose head is dropped in amortised constant time, counting bytes. */
class EntryQueue {
  #items: ({ entry: LogEntry; size: number } | undefined)[] = [];
  #head = 0;
  #bytes = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get first(): LogEntry | undefined {
    return this.#items[this.#head]?.entry;
  }

  push(entry: LogEntry, size: number): void {
    this.#items.push({ entry, size });
    this.#bytes += size;
  }

  shift(): void {
    const item = this.#items[this.#head];
    if (item === undefined) return;
    this.#bytes -= item.size;
    // The entry is free at once; its slot when the empty ones outnumber the rest.
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }

  slice(from: number, limit: number): LogEntry[] {
    const start = this.#head + from;
    return this.#items.slice(start, start + limit).flatMap((item) => item?.entry ?? []);
  }
}
