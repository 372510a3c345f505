import { newEpoch } from "../realtime/cursor.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type { LogEntry, Message, TailListener } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import { assertNoReusedIds, fingerprint } from "./fingerprint.ts";
import {
  DEFAULT_HISTORY,
  type HistoryLimits,
  isHistoryEnabled,
  type KeepOptions,
  type LogStats,
  type MessageLog,
  messageSize,
  type PublishReceipt,
  REMEMBERED_IDS,
} from "./log.ts";
import { LogCursors } from "./log-cursors.ts";
import { MessageRows } from "./message-rows.ts";
import { RememberedIdRows } from "./remembered-id-rows.ts";
import type { SqlDatabase } from "./sql.ts";

/** Options of `SqliteLog`. */
export interface SqliteLogOptions extends KeepOptions {
  readonly database: SqlDatabase;
  /** Index of the shard that the log's cursors name, from 0. Default 0. */
  readonly shard?: number | undefined;
  /** Bounds on the messages that the log keeps. Default for each bound: `DEFAULT_HISTORY`. */
  readonly history?: Partial<HistoryLimits> | undefined;
  /** The wall clock, in milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A row in a Durable Object has at most 2 MB. The remaining 100,000 bytes are for the other columns. */
const MAX_MESSAGE_BYTES: Bytes = 1_900_000;

/** The range of the messages in the tables. Kept in memory because SQLite would read every row to sum up the sizes. */
interface Extent {
  /** Sequence of the newest message; 0 in a new log. */
  readonly sequence: number;
  /** Sequence of the oldest message that can be read; `sequence + 1` when the history is empty. */
  readonly oldest: number;
  /** Size of all messages that can be read. */
  readonly bytes: Bytes;
}

/** A log in the SQLite database of a Durable Object. It survives eviction, restarts and deployments. */
export class SqliteLog implements MessageLog {
  readonly keepsHistory: boolean;
  readonly #database: SqlDatabase;
  readonly #limits: HistoryLimits;
  readonly #now: () => number;
  readonly #listeners = new Set<TailListener>();
  readonly #cursors: LogCursors;
  readonly #messages: MessageRows;
  readonly #ids: RememberedIdRows;
  #extent: Extent;
  /** When the newest message was appended. */
  #newestAt: Milliseconds;
  #accepted = 0;
  #duplicate = 0;

  constructor({ database, shard = 0, history, now = Date.now }: SqliteLogOptions) {
    this.#database = database;
    this.#limits = { ...DEFAULT_HISTORY, ...history };
    this.keepsHistory = isHistoryEnabled(this.#limits);
    this.#now = now;
    this.#cursors = new LogCursors(shard, readEpoch(database));
    this.#messages = new MessageRows(database, this.#cursors);
    this.#ids = new RememberedIdRows(database);
    const newest = this.#ids.newest();
    const sequence = newest?.sequence ?? 0;
    const { oldest = sequence + 1, bytes } = this.#messages.extent();
    this.#newestAt = newest?.at ?? 0;
    this.#extent = { sequence, oldest, bytes };
  }

  append(messages: readonly Message[]): readonly PublishReceipt[] {
    const at = this.#readClock();
    const appended: LogEntry[] = [];
    // A local variable, because a transaction that is rolled back must not change `#extent`.
    let extent = this.#extent;
    const receipts = this.#database.transaction(() => {
      this.#ids.beginTransaction();
      const reused: number[] = [];
      const receipts = messages.map((message, index) => {
        const content = fingerprint(message);
        const earlier = this.#ids.fingerprintOf(message.id, at);
        const duplicate = earlier !== undefined;
        // null: an earlier version has stored the id without a fingerprint, so the contents can't be compared.
        if (duplicate && earlier !== null && earlier !== content) reused.push(index);
        if (!duplicate) {
          extent = this.#insert(message, content, at, extent);
          appended.push({ cursor: this.#cursors.format(extent.sequence), at, message });
        }
        return { id: message.id, duplicate };
      });
      assertNoReusedIds(reused);
      this.#ids.enforceQuotas();
      extent = this.#trim(extent, at);
      return receipts;
    });
    this.#extent = extent;
    this.#accepted += appended.length;
    this.#duplicate += receipts.length - appended.length;
    if (appended.length > 0) {
      this.#newestAt = at;
      for (const listener of this.#listeners) listener(appended);
    }
    return receipts;
  }

  tail(listener: TailListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  cursor(): string {
    return this.#cursors.format(this.#extent.sequence);
  }

  read(
    after: string | undefined,
    limit: number,
    maxBytes: Bytes = Number.POSITIVE_INFINITY,
  ): readonly LogEntry[] | undefined {
    this.trim();
    const start = this.#extent.oldest - 1;
    const sequence = after === undefined ? start : this.#cursors.sequenceOf(after);
    if (sequence === undefined || sequence < start || sequence > this.#extent.sequence) {
      return undefined;
    }
    return this.#messages.readAfter(sequence, limit, maxBytes);
  }

  readBack(
    before: string | undefined,
    limit: number,
    maxBytes: Bytes = Number.POSITIVE_INFINITY,
  ): readonly LogEntry[] | undefined {
    this.trim();
    const end = this.#extent.sequence + 1;
    const sequence = before === undefined ? end : this.#cursors.sequenceOf(before);
    if (sequence === undefined || sequence > end) return undefined;
    return this.#messages.readBefore(sequence, limit, maxBytes);
  }

  erase(topic: string): number {
    this.trim();
    const { messages, bytes } = this.#database.transaction(() => this.#messages.erase(topic));
    this.#extent = { ...this.#extent, bytes: this.#extent.bytes - bytes };
    return messages;
  }

  stats(): LogStats {
    this.trim();
    const { bytes } = this.#extent;
    return {
      accepted: this.#accepted,
      duplicate: this.#duplicate,
      messages: this.#messages.count(),
      bytes,
    };
  }

  close(): void {
    this.#listeners.clear();
  }

  /** Deletes messages that exceed `HistoryLimits`, and ids that exceed `REMEMBERED_IDS`. */
  trim(): void {
    const now = this.#readClock();
    this.#extent = this.#database.transaction(() => this.#trim(this.#extent, now));
  }

  /**
   * When all messages and ids will have expired, in milliseconds since 1970. Undefined when there are none. The id of the
   * newest message does not count, because its row is never deleted.
   */
  expiresAt(): Milliseconds | undefined {
    const { count, latest } = this.#ids.extent();
    const isEmpty = this.#extent.oldest > this.#extent.sequence && count <= 1;
    if (isEmpty || latest === undefined) return undefined;
    return latest + Math.max(this.#limits.maxAge, REMEMBERED_IDS.maxAge);
  }

  /**
   * Reads the wall clock, the only clock that runs while a Durable Object hibernates. If the clock was set back, stored
   * times may be in the future. They are set to the current time, so that messages and ids still expire in time.
   */
  #readClock(): Milliseconds {
    const now = this.#now();
    if (now >= this.#newestAt) return now;
    this.#newestAt = now;
    this.#database.transaction(() => {
      this.#messages.capTimes(now);
      this.#ids.capTimes(now);
    });
    return now;
  }

  #insert(message: Message, content: number, at: Milliseconds, extent: Extent): Extent {
    const size = messageSize(message);
    if (size > MAX_MESSAGE_BYTES) {
      throw new RealtimeError(
        "invalid_input",
        `The message has ${size} bytes, and the limit is ${MAX_MESSAGE_BYTES}. Send a smaller message.`,
      );
    }
    const sequence = extent.sequence + 1;
    this.#messages.insert(sequence, message, at, size);
    this.#ids.insert(sequence, message.id, at, content);
    return { ...extent, sequence, bytes: extent.bytes + size };
  }

  #trim(extent: Extent, now: Milliseconds): Extent {
    const { messages, maxAge, bytes } = this.#limits;
    const { sequence } = extent;
    const firstYoung = this.#messages.firstAfter(now - maxAge) ?? sequence + 1;
    let trimmed = this.#deleteBefore(extent, Math.max(firstYoung, sequence - messages + 1));
    while (trimmed.bytes > bytes) trimmed = this.#deleteBefore(trimmed, trimmed.oldest + 1);
    this.#ids.trim(now, sequence);
    return trimmed;
  }

  #deleteBefore(extent: Extent, sequence: number): Extent {
    if (sequence <= extent.oldest) return extent;
    const freed = this.#messages.deleteBefore(sequence);
    return { ...extent, oldest: sequence, bytes: extent.bytes - freed };
  }
}

/** Returns the epoch of the log in this database. A new database gets a random epoch. */
function readEpoch(database: SqlDatabase): string {
  database.exec("CREATE TABLE IF NOT EXISTS log_epoch (epoch TEXT NOT NULL)");
  const [row] = database.all<{ epoch: string }>("SELECT epoch FROM log_epoch");
  if (row !== undefined) return row.epoch;
  const epoch = newEpoch();
  database.exec("INSERT INTO log_epoch (epoch) VALUES (?)", epoch);
  return epoch;
}
