import type { Message } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import { EpochRows } from "./epoch-rows.ts";
import type { Extent, StoredExtent } from "./extent.ts";
import { KeptTopicRows } from "./kept-topic-rows.ts";
import { DEFAULT_HISTORY, DEFAULT_REMEMBERED_IDS, type HistoryLimits, messageSize } from "./log.ts";
import { LogCursors } from "./log-cursors.ts";
import { MessagePages } from "./message-pages.ts";
import { type MessageHead, MessageRows } from "./message-rows.ts";
import { RememberedIdRows } from "./remembered-id-rows.ts";
import type { SqlDatabase } from "./sql.ts";
import type { SqliteLogOptions } from "./sqlite-options.ts";
import { TopicIndexRows } from "./topic-index-rows.ts";
import { matchesAny } from "./topic-pattern.ts";

/** Number of rows that the first step of a trim reads. Each further step reads twice as many, at most `MAX_STEP`. */
const FIRST_STEP = 4;
const MAX_STEP = 256;

/** The tables of a SQLite log, and the changes that concern several of them. All changes must be made in `transaction`. */
export class SqliteTables {
  readonly cursors: LogCursors;
  readonly messages: MessageRows;
  readonly pages: MessagePages;
  readonly index: TopicIndexRows;
  readonly ids: RememberedIdRows;
  readonly kept: KeptTopicRows;
  readonly limits: HistoryLimits;
  readonly #database: SqlDatabase;
  readonly #storedExtent: StoredExtent | undefined;
  /** Whether the index may have rows, which must be removed together with their messages. */
  readonly #usesIndex: boolean;
  #extent: Extent;
  /** When the oldest message was appended. Undefined if this is not known. */
  #oldestAt: Milliseconds | undefined;
  /** When the next message is past its `ttl`. Infinity for never, undefined if this is not known. */
  #nextExpiry: Milliseconds | undefined;

  constructor(options: SqliteLogOptions) {
    const { database, shard = 0, file } = options;
    this.#database = database;
    this.limits = { ...DEFAULT_HISTORY, ...options.history };
    this.ids = new RememberedIdRows(database, {
      ...DEFAULT_REMEMBERED_IDS,
      ...options.rememberedIds,
    });
    const sequence = this.ids.newest()?.sequence ?? 0;
    const { chain } = new EpochRows(database, sequence, file !== undefined);
    this.cursors = new LogCursors(shard, chain);
    this.messages = new MessageRows(database);
    this.pages = new MessagePages(database, this.cursors);
    this.index = file?.openIndex(database) ?? new TopicIndexRows(database);
    this.#storedExtent = file?.openExtent(database);
    const { oldest, bytes, erased } = this.#storedExtent?.read() ?? this.messages.extent();
    this.#extent = { sequence, oldest: oldest ?? sequence + 1, bytes, erased };
    const onDropped = (dropped: number) => this.#onDropped(dropped);
    const tables = { messages: this.messages, index: this.index, onDropped };
    this.kept = new KeptTopicRows(database, tables, options);
    database.transaction(() => this.kept.applyRules());
    this.#usesIndex = this.index.hasAllMessages || this.kept.hasRules || !this.index.isEmpty();
  }

  get extent(): Extent {
    return this.#extent;
  }

  /** Runs changes in a transaction. An exception undoes the changes in the database and in memory. */
  transaction<T>(run: () => T): T {
    const before = this.#extent;
    try {
      return this.#database.transaction(() => {
        this.ids.beginTransaction();
        this.kept.beginTransaction();
        const result = run();
        this.#storedExtent?.write(this.#extent);
        return result;
      });
    } catch (error) {
      this.#extent = before;
      this.#oldestAt = undefined;
      this.#nextExpiry = undefined;
      this.ids.onRollback();
      this.kept.onRollback();
      throw error;
    }
  }

  /** Adds a message, and returns its sequence. */
  insert(message: Message, fingerprint: number, at: Milliseconds): number {
    const { topics, ttl } = message;
    const size = messageSize(message);
    const extent = this.#extent;
    const sequence = extent.sequence + 1;
    this.messages.insert(sequence, message, at, size);
    this.ids.insert(sequence, message.id, at, fingerprint);
    this.#extent = { ...extent, sequence, bytes: extent.bytes + size };
    if (this.index.hasAllMessages || this.kept.hasRuleFor(topics)) {
      this.index.insert(sequence, topics);
      this.kept.add(sequence, topics, size);
    }
    if (ttl !== undefined && this.#nextExpiry !== undefined) {
      this.#nextExpiry = Math.min(this.#nextExpiry, at + ttl * 1000);
    }
    return sequence;
  }

  /** Whether `trim` may have messages to delete. */
  isTrimDue(now: Milliseconds): boolean {
    const { sequence, oldest } = this.#extent;
    const hasMessages = oldest <= sequence;
    return (
      (hasMessages && this.#exceedsLimits(oldest, this.#oldestAt ?? 0, now)) ||
      this.#isExpiryDue(now)
    );
  }

  /**
   * Deletes messages that exceed the limits or are past their `ttl`.
   *
   * @param maxRows Maximum number of messages to delete because of the limits. In addition, up to `maxRows` messages of each
   *   table, but at most `MAX_STEP`, are erased because of their `ttl`.
   * @returns Whether more may be left.
   */
  trim(now: Milliseconds, maxRows: number): boolean {
    const expired = this.#eraseExpired(now, maxRows);
    let deleted = 0;
    for (let step = FIRST_STEP; deleted < maxRows; step = Math.min(2 * step, MAX_STEP)) {
      const limit = Math.min(step, maxRows - deleted);
      const heads = this.messages.oldest(this.#extent.oldest, limit);
      const kept = heads.findIndex(({ sequence, at, size }) => {
        if (!this.#exceedsLimits(sequence, at, now)) return true;
        this.#dropFromExtent(sequence, size);
        return false;
      });
      const dropped = kept === -1 ? heads : heads.slice(0, kept);
      this.#delete(dropped);
      deleted += dropped.length;
      this.#oldestAt = heads[dropped.length]?.at;
      if (dropped.length < limit) break;
    }
    return expired || deleted >= maxRows;
  }

  /**
   * Erases messages to a topic.
   *
   * @param after Only messages after this sequence are erased.
   * @param until Only messages up to this sequence are erased.
   * @param limit Maximum number of messages to read.
   * @returns The number and size of the erased messages, and the sequence after which to continue; undefined at the end.
   */
  erase(
    topic: string,
    after: number,
    until: number,
    limit: number,
  ): { readonly count: number; readonly bytes: Bytes; readonly next: number | undefined } {
    const heads =
      this.index
        .reader(
          [topic],
          after,
          true,
        )?.(limit)
        .flatMap((sequence) => this.messages.head(sequence) ?? []) ??
      this.messages.headsAfter(after, limit);
    let count = 0;
    let bytes = 0;
    for (const head of heads) {
      if (head.sequence > until) return { count, bytes, next: undefined };
      if (!matchesAny(topic, head.topics)) continue;
      this.#erase(head);
      count += 1;
      bytes += head.size;
    }
    return { count, bytes, next: heads.length < limit ? undefined : heads.at(-1)?.sequence };
  }

  /** Sets times in the future to `now`, because the clock was set back. */
  capTimes(now: Milliseconds): void {
    this.messages.capTimes(now);
    this.ids.capTimes(now);
    this.#oldestAt = undefined;
    this.#nextExpiry = undefined;
  }

  /** Whether the log exceeds its limits as long as this message is its oldest. */
  #exceedsLimits(sequence: number, at: Milliseconds, now: Milliseconds): boolean {
    const { messages, maxAge, bytes } = this.limits;
    const count = this.#extent.sequence - sequence + 1;
    return count > messages || this.#extent.bytes > bytes || now - at >= maxAge;
  }

  #dropFromExtent(sequence: number, size: Bytes): void {
    const { bytes, erased, ...extent } = this.#extent;
    const isErased = size === 0 ? 1 : 0;
    const rest = { bytes: bytes - size, erased: erased - isErased };
    this.#extent = { ...extent, ...rest, oldest: sequence + 1 };
  }

  /** Deletes the oldest rows of `messages`. Messages that a topic keeps are moved to `kept_messages`. */
  #delete(heads: readonly MessageHead[]): void {
    const newest = heads.at(-1);
    if (newest === undefined) return;
    if (this.#usesIndex) {
      for (const head of heads) {
        if (this.kept.keeps(head)) this.messages.keep(head.sequence);
        else this.index.remove(head.sequence, head.topics);
      }
    }
    this.messages.deleteUpTo(newest.sequence);
  }

  /** Called when a topic no longer keeps a message. Deletes the message unless the history or another topic has it. */
  #onDropped(sequence: number): void {
    if (sequence >= this.#extent.oldest) return;
    const head = this.messages.head(sequence);
    if (head === undefined || this.kept.keeps(head)) return;
    this.messages.deleteKept(sequence);
    this.index.remove(sequence, head.topics);
  }

  #erase(head: MessageHead): void {
    const { sequence, topics, size } = head;
    this.kept.remove(head);
    if (this.#usesIndex) this.index.remove(sequence, topics);
    if (sequence < this.#extent.oldest) {
      this.messages.deleteKept(sequence);
      return;
    }
    this.messages.erase(sequence);
    const { bytes, erased, ...extent } = this.#extent;
    this.#extent = { ...extent, bytes: bytes - size, erased: erased + 1 };
  }

  #isExpiryDue(now: Milliseconds): boolean {
    this.#nextExpiry ??= this.messages.nextExpiry() ?? Number.POSITIVE_INFINITY;
    return this.#nextExpiry <= now;
  }

  /** Returns whether more may be left. */
  #eraseExpired(now: Milliseconds, maxRows: number): boolean {
    if (!this.#isExpiryDue(now)) return false;
    const heads = this.messages.expired(now, Math.min(maxRows, MAX_STEP));
    for (const head of heads) this.#erase(head);
    this.#nextExpiry = undefined;
    return this.#isExpiryDue(now);
  }
}
