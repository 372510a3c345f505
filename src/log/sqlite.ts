import type { Cursor } from "../realtime/cursor.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type { LogEntry, LogPage, Message, TailListener } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import type { AppendOutcome, BatchLog, EraseState } from "./batch-log.ts";
import { assertNoReusedIds, fingerprint } from "./fingerprint.ts";
import {
  isHistoryEnabled,
  type LogStats,
  type MessageLog,
  messageSize,
  type PublishReceipt,
} from "./log.ts";
import { SqliteTables, type SqliteTablesOptions } from "./sqlite-tables.ts";

/** Options of `SqliteLog`. */
export interface SqliteLogOptions extends SqliteTablesOptions {
  /** Maximum size of one message (`messageSize`). Default: no limit. */
  readonly maxMessageBytes?: Bytes | undefined;
  /** Maximum number of old messages that one transaction deletes, so that a publish does not wait for many. Default: no limit. */
  readonly maxDeletes?: number | undefined;
}

/** Maximum number of messages that one transaction of `erase` reads. */
const ERASE_STEP = 500;

/** A message that is ready to be inserted. */
interface Candidate {
  readonly message: Message;
  /** Hash of the message's content. */
  readonly content: number;
  readonly size: Bytes;
  readonly isDuplicate: boolean;
}

/** A log in a SQLite database: in a Durable Object, or in a file of a process. It survives restarts and deployments. */
export class SqliteLog implements MessageLog, BatchLog {
  readonly keepsHistory: boolean;
  readonly #tables: SqliteTables;
  readonly #maxMessageBytes: Bytes;
  readonly #maxDeletes: number;
  readonly #now: () => number;
  readonly #listeners = new Set<TailListener>();
  /** When the newest message was appended. */
  #newestAt: Milliseconds;
  #accepted = 0;
  #duplicate = 0;

  constructor(options: SqliteLogOptions) {
    this.#tables = new SqliteTables(options);
    this.#maxMessageBytes = options.maxMessageBytes ?? Number.POSITIVE_INFINITY;
    this.#maxDeletes = options.maxDeletes ?? Number.POSITIVE_INFINITY;
    this.#now = options.now ?? Date.now;
    this.#newestAt = this.#tables.ids.newest()?.at ?? 0;
    this.keepsHistory = isHistoryEnabled(this.#tables.limits) || this.#tables.kept.hasRules;
  }

  append(messages: readonly Message[]): readonly PublishReceipt[] {
    const [outcome = []] = this.appendAll([messages]);
    if (outcome instanceof RealtimeError) throw outcome;
    return outcome;
  }

  /**
   * Does several calls of `append` in one transaction. A call that is refused does not affect the others.
   *
   * @returns The outcome of each call.
   * @throws Error of the database. Nothing is appended then.
   */
  appendAll(calls: readonly (readonly Message[])[]): readonly AppendOutcome[] {
    const at = this.#readClock();
    const appended: LogEntry[] = [];
    const outcomes = this.#tables.transaction(() => {
      const outcomes = calls.map((messages) => this.#appendCall(messages, at, appended));
      this.#tables.ids.enforceQuotas();
      if (this.#tables.isTrimDue(at)) this.#tables.trim(at, this.#maxDeletes);
      this.#tables.ids.trim(at, this.#tables.extent.sequence);
      return outcomes;
    });
    for (const outcome of outcomes) {
      if (outcome instanceof RealtimeError) continue;
      this.#duplicate += outcome.filter(({ duplicate }) => duplicate).length;
    }
    this.#accepted += appended.length;
    if (appended.length > 0) {
      this.#newestAt = at;
      for (const listener of this.#listeners) listener(appended);
    }
    return outcomes;
  }

  tail(listener: TailListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  cursor(): string {
    return this.#tables.cursors.formatNewest(this.#tables.extent.sequence);
  }

  hasReached(cursor: Cursor): boolean {
    const { cursors, extent } = this.#tables;
    return cursors.isValid(cursor) && cursor.sequence <= extent.sequence;
  }

  read(
    after: string | undefined,
    limit: number,
    maxBytes?: Bytes,
    topics?: readonly string[],
  ): LogPage | undefined {
    const { cursors, extent } = this.#tables;
    const position = after === undefined ? 0 : cursors.sequenceOf(after);
    if (position === undefined || position > extent.sequence) return undefined;
    return this.#read(position, true, limit, maxBytes, topics);
  }

  readBack(
    before: string | undefined,
    limit: number,
    maxBytes?: Bytes,
    topics?: readonly string[],
  ): LogPage | undefined {
    const { cursors, extent } = this.#tables;
    const end = extent.sequence + 1;
    const position = before === undefined ? end : cursors.sequenceOf(before);
    if (position === undefined || position > end) return undefined;
    return this.#read(position, false, limit, maxBytes, topics);
  }

  stats(): LogStats {
    this.#trimIfDue();
    const { sequence, oldest, bytes, erased } = this.#tables.extent;
    return {
      accepted: this.#accepted,
      duplicate: this.#duplicate,
      messages: sequence - oldest + 1 - erased,
      bytes,
      kept: this.#tables.kept.stats,
    };
  }

  erase(topic: string): number {
    let state = this.eraseStep(topic);
    while (!state.isDone) state = this.eraseStep(topic, state);
    return state.erased;
  }

  /**
   * Erases some of the messages to a topic, in one transaction. The steps of an erasure together erase the messages that the log
   * has at the first step.
   *
   * @param from The state that the previous step has returned. Default: the first step.
   */
  eraseStep(topic: string, from?: EraseState): EraseState {
    const { position, until, erased } = from ?? {
      position: 0,
      until: this.#tables.extent.sequence,
      erased: 0,
    };
    return this.#tables.transaction(() => {
      const { count, next } = this.#tables.erase(topic, position, until, ERASE_STEP);
      return { position: next ?? until, until, erased: erased + count, isDone: next === undefined };
    });
  }

  close(): void {
    this.#listeners.clear();
  }

  /**
   * Deletes messages that exceed `HistoryLimits` or are past their `ttl`, and ids that exceed `RememberedIdLimits`.
   *
   * @returns Whether more messages may be left to delete, because one transaction deletes at most `maxDeletes`.
   */
  trim(): boolean {
    const now = this.#readClock();
    return this.#tables.transaction(() => {
      this.#tables.ids.trim(now, this.#tables.extent.sequence);
      return this.#tables.trim(now, this.#maxDeletes);
    });
  }

  isOverLimits(): boolean {
    return this.#tables.isTrimDue(this.#readClock());
  }

  /**
   * When all messages and ids will have expired, in milliseconds since 1970. Undefined when there are none. The id of the
   * newest message does not count, because its row is never deleted.
   */
  expiresAt(): Milliseconds | undefined {
    const { ids, limits, extent } = this.#tables;
    const { count, latest } = ids.extent();
    const isEmpty = extent.oldest > extent.sequence && count <= 1;
    if (isEmpty || latest === undefined) return undefined;
    return latest + Math.max(limits.maxAge, ids.limits.maxAge);
  }

  #read(
    position: number,
    isForwards: boolean,
    limit: number,
    maxBytes: Bytes = Number.POSITIVE_INFINITY,
    topics?: readonly string[],
  ): LogPage {
    const now = this.#trimIfDue();
    const { messages, index, extent } = this.#tables;
    const next =
      topics !== undefined && index.covers(topics)
        ? (from: number, count: number) => index.next(topics, from, isForwards, count)
        : undefined;
    const page = messages.read({ position, isForwards, limit, maxBytes, now, next });
    const last = isForwards ? extent.sequence : 0;
    return { entries: page.entries, end: page.end ?? last, trimmedTo: extent.oldest - 1 };
  }

  #appendCall(messages: readonly Message[], at: Milliseconds, appended: LogEntry[]): AppendOutcome {
    let candidates: readonly Candidate[];
    // Checked before anything is inserted, because other calls share the transaction.
    try {
      candidates = this.#check(messages, at);
    } catch (error) {
      if (error instanceof RealtimeError) return error;
      throw error;
    }
    return candidates.map(({ message, content, size, isDuplicate }) => {
      if (!isDuplicate) {
        const sequence = this.#tables.insert(message, size, content, at);
        appended.push({ cursor: this.#tables.cursors.format(sequence), at, message });
      }
      return { id: message.id, duplicate: isDuplicate };
    });
  }

  /** @throws RealtimeError `id_reused`, or `invalid_input` for a message that is too large. */
  #check(messages: readonly Message[], at: Milliseconds): readonly Candidate[] {
    const inCall = new Map<string, number>();
    const reused: number[] = [];
    const candidates = messages.map((message, index) => {
      const content = fingerprint(message);
      const earlier = inCall.get(message.id) ?? this.#tables.ids.fingerprintOf(message.id, at);
      const isDuplicate = earlier !== undefined;
      // null: an earlier version has stored the id without a fingerprint, so the contents can't be compared.
      if (isDuplicate && earlier !== null && earlier !== content) reused.push(index);
      if (!isDuplicate) inCall.set(message.id, content);
      return { message, content, size: this.#sizeOf(message), isDuplicate };
    });
    assertNoReusedIds(reused);
    return candidates;
  }

  #sizeOf(message: Message): Bytes {
    const size = messageSize(message);
    if (size <= this.#maxMessageBytes) return size;
    throw new RealtimeError(
      "invalid_input",
      `The message has ${size} bytes, and the limit is ${this.#maxMessageBytes}. Send a smaller message.`,
    );
  }

  /** Returns the time. */
  #trimIfDue(): Milliseconds {
    const now = this.#readClock();
    if (!this.#tables.isTrimDue(now)) return now;
    try {
      this.#tables.transaction(() => this.#tables.trim(now, this.#maxDeletes));
    } catch {
      // Reads continue while the disk is full. The next append or trim throws the error.
    }
    return now;
  }

  /**
   * Reads the wall clock, the only clock that runs while a Durable Object hibernates. If the clock was set back, stored
   * times may be in the future. They are set to the current time, so that messages and ids still expire in time.
   */
  #readClock(): Milliseconds {
    const now = this.#now();
    if (now >= this.#newestAt) return now;
    this.#newestAt = now;
    this.#tables.transaction(() => this.#tables.capTimes(now));
    return now;
  }
}
