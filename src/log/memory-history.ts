import type { LogEntry, LogPage } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import { FifoQueue } from "./fifo-queue.ts";
import { KeptTopics } from "./kept-topics.ts";
import {
  DEFAULT_HISTORY,
  type HistoryLimits,
  isHistoryEnabled,
  type LogOptions,
  type LogStats,
  messageSize,
} from "./log.ts";
import { PageCollector } from "./page-collector.ts";
import { countBefore, type StoredEntry } from "./stored-entry.ts";
import { matchesAny } from "./topic-pattern.ts";

/** A page to read from a `MemoryHistory`. */
export interface HistoryRead {
  /** `read` starts after this sequence, `readBack` before it. */
  readonly sequence: number;
  /** The time by the monotonic clock of the entries. */
  readonly now: Milliseconds;
  /** The other properties are the parameters of `LogReader.read`. */
  readonly limit: number;
  readonly maxBytes?: Bytes | undefined;
  readonly topics?: readonly string[] | undefined;
}

/**
 * The messages of a log in the memory of this process: those within `HistoryLimits`, and those that topic rules keep. Each message
 * has a sequence. The sequences of the messages within the limits have no gaps.
 */
export class MemoryHistory {
  /** Whether messages can be read later: no limit is 0, or a rule keeps messages. */
  readonly isEnabled: boolean;
  readonly #limits: HistoryLimits;
  /** The entries within the limits, without gaps. An erased message leaves an entry without a message. */
  readonly #entries = new FifoQueue<StoredEntry>();
  readonly #kept: KeptTopics;
  #end = 0;
  #bytes: Bytes = 0;
  /** Number of entries without a message in `#entries`. */
  #erased = 0;

  constructor(options: Pick<LogOptions, "history" | "topics" | "kept">) {
    this.#limits = { ...DEFAULT_HISTORY, ...options.history };
    this.#kept = new KeptTopics(options);
    this.isEnabled = isHistoryEnabled(this.#limits) || this.#kept.hasRules;
  }

  /** Sequence of the newest entry. */
  get end(): number {
    return this.#end;
  }

  /** `LogPage.trimmedTo`. */
  get trimmedTo(): number {
    return this.#end - this.#entries.length;
  }

  /**
   * Adds an entry with the next sequence. The limits apply at the next `trim`.
   *
   * @param entry Undefined for an entry without a message. It only takes its sequence.
   * @param appendedAt The time by the monotonic clock that `trim` and reads also use.
   */
  add(entry: LogEntry | undefined, appendedAt: Milliseconds): void {
    const stored = this.#store(entry, this.#end + 1, appendedAt);
    this.#entries.push(stored);
    if (entry === undefined) this.#erased += 1;
    this.#bytes += stored.size;
    this.#kept.add(stored);
  }

  /** Adds a message that only topic rules keep, because the history has dropped it. All earlier entries must be dropped as well. */
  addTrimmed(entry: LogEntry, sequence: number, appendedAt: Milliseconds): void {
    this.skipTo(sequence - 1);
    const stored = this.#store(entry, sequence, appendedAt);
    this.#kept.add(stored);
    this.#kept.trim(stored);
  }

  /** Drops all entries that no topic keeps. The next entry is the entry after this sequence. */
  skipTo(sequence: number): void {
    while (this.#entries.length > 0) this.#dropOldest();
    this.#end = sequence;
  }

  /** Reads entries after a sequence, oldest first. */
  read({
    sequence,
    now,
    limit,
    maxBytes = Number.POSITIVE_INFINITY,
    topics,
  }: HistoryRead): LogPage {
    this.trim(now);
    const page = new PageCollector({ limit, maxBytes, now, start: sequence, end: this.#end });
    const { trimmedTo } = this;
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

  /** Reads entries before a sequence, newest first. */
  readBack({ sequence, now, limit, maxBytes, topics }: HistoryRead): LogPage {
    this.trim(now);
    const page = new PageCollector({
      limit,
      maxBytes: maxBytes ?? Number.POSITIVE_INFINITY,
      now,
      start: sequence,
      end: 0,
    });
    const { trimmedTo } = this;
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

  /** Implements `MessageLog.erase`. */
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

  /** The statistics of the messages, after `trim`. */
  statsAt(now: Milliseconds): Pick<LogStats, "messages" | "bytes" | "kept"> {
    this.trim(now);
    const messages = this.#entries.length - this.#erased;
    return { messages, bytes: this.#bytes, kept: this.#kept.stats };
  }

  /** Drops the entries that exceed the limits. */
  trim(now: Milliseconds): void {
    const { messages, maxAge, bytes } = this.#limits;
    for (let oldest = this.#entries.first; oldest !== undefined; oldest = this.#entries.first) {
      const isWithinLimits =
        this.#entries.length <= messages &&
        this.#bytes <= bytes &&
        now - oldest.appendedAt < maxAge;
      if (isWithinLimits) return;
      this.#dropOldest();
    }
  }

  #dropOldest(): void {
    const oldest = this.#entries.shift();
    if (oldest === undefined) return;
    this.#bytes -= oldest.size;
    if (oldest.entry === undefined) this.#erased -= 1;
    this.#kept.trim(oldest);
  }

  #store(entry: LogEntry | undefined, sequence: number, appendedAt: Milliseconds): StoredEntry {
    this.#end = sequence;
    const size = entry === undefined ? 0 : messageSize(entry.message);
    const ttl = entry?.message.ttl;
    return { sequence, appendedAt, entry, ttl, size, keepers: 0, isTrimmed: false };
  }

  /** The entries of the log, oldest first. Some may have no message. */
  *#stored(): Generator<StoredEntry> {
    yield* this.#kept.trimmed.of(undefined);
    for (let index = 0; index < this.#entries.length; index++) {
      const stored = this.#entries.at(index);
      if (stored !== undefined) yield stored;
    }
  }
}
