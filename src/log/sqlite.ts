import type { Cursor } from "../realtime/cursor.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type { LogEntry, LogPage, Message, TailListener } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import type { AppendOutcome, BatchLog, EraseState } from "./batch-log.ts";
import { assertSizes, type Candidate, toCandidates } from "./candidates.ts";
import { isHistoryEnabled, type LogStats, type MessageLog, type PublishReceipt } from "./log.ts";
import type { SqliteLogOptions } from "./sqlite-options.ts";
import { SqliteTables } from "./sqlite-tables.ts";

/** Maximum number of messages that one transaction of `erase` reads. */
const ERASE_STEP = 500;

/** Approximate size of the messages that one transaction of `erase` erases. A process also overwrites them in the file. */
const ERASE_STEP_BYTES: Bytes = 4_194_304;

/** Number of messages that an erasure reads at a time. SQLite reads all pages of a message to find its size. */
const ERASE_READ = 10;

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

  appendAll(batches: readonly (readonly Message[])[]): readonly AppendOutcome[] {
    const at = this.#readClock();
    const appended: LogEntry[] = [];
    const outcomes = this.#tables.transaction(() => {
      const outcomes = batches.map((messages) => this.#appendBatch(messages, at, appended));
      this.#tables.ids.enforceQuotas();
      if (this.#tables.isTrimDue(at)) this.#tables.trim(at, this.#maxDeletes);
      this.#tables.ids.trim(at, this.#tables.extent.sequence, this.#maxDeletes);
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

  eraseStep(topic: string, from?: EraseState): EraseState {
    const { position, until, erased } = from ?? {
      position: 0,
      until: this.#tables.extent.sequence,
      erased: 0,
    };
    return this.#tables.transaction(() => {
      const state = { position, until, erased, isDone: false };
      let bytes = 0;
      for (let read = 0; read < ERASE_STEP && bytes < ERASE_STEP_BYTES; read += ERASE_READ) {
        const step = this.#tables.erase(topic, state.position, until, ERASE_READ);
        state.erased += step.count;
        bytes += step.bytes;
        if (step.next === undefined) return { ...state, isDone: true };
        state.position = step.next;
      }
      return state;
    });
  }

  close(): void {
    this.#listeners.clear();
  }

  trim(): boolean {
    const now = this.#readClock();
    return this.#tables.transaction(() => {
      const { ids, extent } = this.#tables;
      const hasIds = ids.trim(now, extent.sequence, this.#maxDeletes);
      return this.#tables.trim(now, this.#maxDeletes) || hasIds;
    });
  }

  isOverLimits(): boolean {
    return this.#tables.isTrimDue(this.#readClock());
  }

  /**
   * When all messages and ids will have expired, in milliseconds since 1970. Undefined when there are none. The id of the
   * newest message does not count, because its row is never deleted. Messages that topic rules keep do not count either.
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
    const { pages, index, extent } = this.#tables;
    const next = topics && index.reader(topics, position, isForwards);
    const { oldest, sequence: newest } = extent;
    const range = { position, isForwards, oldest, newest };
    const page = pages.read({ ...range, limit, maxBytes, now, next });
    const last = isForwards ? newest : 0;
    return { entries: page.entries, end: page.end ?? last, trimmedTo: oldest - 1 };
  }

  #appendBatch(
    messages: readonly Message[],
    at: Milliseconds,
    appended: LogEntry[],
  ): AppendOutcome {
    let candidates: readonly Candidate[];
    // Checked before the first insertion, because a refused batch must not roll back the other batches of the transaction.
    try {
      candidates = toCandidates(messages, (id) => this.#tables.ids.fingerprintOf(id, at));
      assertSizes(messages, this.#maxMessageBytes);
    } catch (error) {
      if (error instanceof RealtimeError) return error;
      throw error;
    }
    return candidates.map(({ message, content, isDuplicate }) => {
      if (!isDuplicate) {
        const sequence = this.#tables.insert(message, content, at);
        appended.push({ cursor: this.#tables.cursors.format(sequence), at, message });
      }
      return { id: message.id, duplicate: isDuplicate };
    });
  }

  /** Deletes expired messages if there are any. Returns the current time. */
  #trimIfDue(): Milliseconds {
    try {
      const now = this.#readClock();
      if (this.#tables.isTrimDue(now)) {
        this.#tables.transaction(() => this.#tables.trim(now, this.#maxDeletes));
      }
    } catch {
      // A read must work even if the disk is full. The next append or trim throws the error.
    }
    return this.#now();
  }

  /**
   * Reads the wall clock, the only clock that runs while a Durable Object hibernates. If the clock was set back, stored
   * times may be in the future. They are set to the current time, so that messages and ids still expire in time.
   */
  #readClock(): Milliseconds {
    const now = this.#now();
    if (now >= this.#newestAt) return now;
    this.#tables.transaction(() => this.#tables.capTimes(now));
    this.#newestAt = now;
    return now;
  }
}
