import type { Cursor } from "../realtime/cursor.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type {
  Logger,
  LogPage,
  LogReader,
  MaybePromise,
  Message,
  TailListener,
} from "../realtime/types.ts";
import type { Milliseconds } from "../realtime/units.ts";
import type { BatchLog, EraseState } from "./batch-log.ts";
import type { LogStats, MessageLog, PublishReceipt, RevocationStore } from "./log.ts";
import { storageFailed } from "./storage-failed.ts";

/** Options of `GroupCommitLog`. */
export interface GroupCommitOptions {
  readonly log: BatchLog;
  /** Stores revocations in the database of the log. */
  readonly revocations?: RevocationStore | undefined;
  /** Runs a function in a later turn of the event loop, after the requests that have arrived. */
  readonly nextTurn: (run: () => void) => void;
  /** Writes to the database without changing data, and throws the database's error. Called after a failed write. */
  readonly probe: () => void;
  /** Runs a transaction that erases messages, and overwrites the messages in the file. Default: the file is not overwritten. */
  readonly overwriting?: (<T>(run: () => T) => T) | undefined;
  /** Closes the database. Called once. */
  readonly release: () => void;
  /** Gets an error when a write fails. Pass a `ProtectedLogger`: writes may fail very often. */
  readonly logger?: Logger | undefined;
}

/** Maximum number of messages in one transaction, unless a single batch has more. Other work runs between transactions. */
const MAX_TRANSACTION = 1000;

/** Time after an append, or after a failed write, until expired messages are deleted. */
const BUSY_INTERVAL: Milliseconds = 1000;

/** Time between two deletions of expired messages while nothing is appended. */
const IDLE_INTERVAL: Milliseconds = 10_000;

/** A call of `append` that waits for its transaction. */
interface WaitingBatch {
  readonly messages: readonly Message[];
  readonly resolve: (receipts: readonly PublishReceipt[]) => void;
  readonly reject: (error: RealtimeError) => void;
}

/**
 * A log that appends the batches of one turn of the event loop in one transaction, because a commit costs more than an insert.
 * `append` resolves after the commit. If the transaction fails, all of its batches are refused with `storage_failed`. The next
 * transaction is tried as usual.
 *
 * Expired messages exceed the limits or are past their `ttl`. They are deleted in slices in later turns, so that no publisher
 * waits for the deletion.
 */
export class GroupCommitLog implements MessageLog {
  readonly keepsHistory: boolean;
  readonly revocations?: RevocationStore;
  readonly #options: GroupCommitOptions;
  readonly #log: BatchLog;
  #waiting: WaitingBatch[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerIsBusy = false;
  /** The error of the last write; undefined when it succeeded. */
  #failure: unknown;
  #isReleased = false;
  /** Whether the next slice of deletions is scheduled. */
  #isDeleting = false;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#log = options.log;
    this.keepsHistory = options.log.keepsHistory;
    if (options.revocations !== undefined) this.revocations = this.#guard(options.revocations);
    this.#setTimer(BUSY_INTERVAL);
  }

  append(messages: readonly Message[]): Promise<readonly PublishReceipt[]> {
    if (this.#isReleased) return Promise.reject(logClosed());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ messages, resolve, reject });
      if (this.#waiting.length === 1) this.#options.nextTurn(() => this.#commit());
    });
  }

  tail(listener: TailListener): () => void {
    return this.#log.tail(listener);
  }

  cursor(): string {
    return this.#log.cursor();
  }

  hasReached(cursor: Cursor): boolean {
    return this.#log.hasReached(cursor);
  }

  read(...request: Parameters<LogReader["read"]>): MaybePromise<LogPage | undefined> {
    return this.#log.read(...request);
  }

  readBack(...request: Parameters<LogReader["readBack"]>): MaybePromise<LogPage | undefined> {
    return this.#log.readBack(...request);
  }

  /** Erases step by step in several turns of the event loop, so that no publisher waits long. */
  async erase(topic: string): Promise<number> {
    const { overwriting = (run) => run() } = this.#options;
    let state: EraseState | undefined;
    do {
      if (this.#isReleased) throw logClosed();
      const from: EraseState | undefined = state;
      state = this.#write(() => overwriting(() => this.#log.eraseStep(topic, from)));
      if (state === undefined) throw storageFailed(this.#failure);
      await new Promise<void>((resolve) => this.#options.nextTurn(resolve));
    } while (!state.isDone);
    return state.erased;
  }

  stats(): LogStats {
    return this.#log.stats();
  }

  assertWritable(): void {
    if (this.#failure !== undefined) throw storageFailed(this.#failure);
  }

  close(): void {
    while (this.#waiting.length > 0) this.#commit();
    this.#log.close();
  }

  release(): void {
    if (this.#isReleased) return;
    while (this.#waiting.length > 0) this.#commit();
    this.#isReleased = true;
    clearTimeout(this.#timer);
    this.#options.release();
  }

  /** Appends the waiting batches, up to `MAX_TRANSACTION` messages, and settles their promises. */
  #commit(): void {
    const batches = this.#takeBatches();
    // `close` and `release` may have appended the batches already.
    if (batches.length === 0) return;
    if (this.#waiting.length > 0) this.#options.nextTurn(() => this.#commit());
    const outcomes = this.#write(() => this.#log.appendAll(batches.map((batch) => batch.messages)));
    for (const [index, { resolve, reject }] of batches.entries()) {
      const outcome = outcomes?.[index] ?? storageFailed(this.#failure);
      if (outcome instanceof RealtimeError) reject(outcome);
      else resolve(outcome);
    }
    // In `#write`, because an exception here would end the process.
    const isOverLimits = outcomes !== undefined && this.#write(() => this.#log.isOverLimits());
    if (isOverLimits && !this.#isDeleting) {
      this.#isDeleting = true;
      this.#options.nextTurn(() => this.#deleteExpired());
    }
    this.#setTimer(BUSY_INTERVAL);
  }

  #takeBatches(): WaitingBatch[] {
    let count = 0;
    const end = this.#waiting.findIndex(({ messages }, index) => {
      count += messages.length;
      return index > 0 && count > MAX_TRANSACTION;
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  /** Deletes expired messages, slice by slice in later turns, and sets the timer when none are left. */
  #deleteExpired(): void {
    if (this.#isReleased) return;
    if (this.#failure !== undefined) this.#probe();
    this.#isDeleting = this.#failure === undefined && this.#write(() => this.#log.trim()) === true;
    if (this.#isDeleting) this.#options.nextTurn(() => this.#deleteExpired());
    else this.#setTimer(this.#failure === undefined ? IDLE_INTERVAL : BUSY_INTERVAL);
  }

  /** Runs a transaction. Returns undefined when it fails, and remembers and logs the error. */
  #write<T>(run: () => T): T | undefined {
    try {
      const result = run();
      if (this.#failure !== undefined) this.#probe();
      return result;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** Checks whether the database can be written again. A transaction without a change succeeds even on a full disk. */
  #probe(): void {
    try {
      this.#options.probe();
      if (this.#failure !== undefined) this.#options.logger?.info("the data can be stored again");
      this.#failure = undefined;
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#options.logger?.error("the data can't be stored", { error: String(error) });
  }

  /** Wraps a store. A failed write of the wrapper throws `storage_failed`. */
  #guard(store: RevocationStore): RevocationStore {
    const write = (run: () => void) => {
      this.#write(run);
      this.assertWritable();
    };
    return {
      all: () => store.all(),
      set: (subject, at) => write(() => store.set(subject, at)),
      remove: (subject) => write(() => store.remove(subject)),
    };
  }

  /** Sets the timer for the next deletion. A set timer remains, but `BUSY_INTERVAL` replaces a timer of `IDLE_INTERVAL`. */
  #setTimer(delay: Milliseconds): void {
    const isBusy = delay === BUSY_INTERVAL;
    if (this.#isReleased || (this.#timer !== undefined && (this.#timerIsBusy || !isBusy))) return;
    clearTimeout(this.#timer);
    this.#timerIsBusy = isBusy;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#isDeleting) this.#deleteExpired();
    }, delay);
    // The timer alone must not keep the process running. The cast: a timer that is a number has no `unref`.
    (this.#timer as { unref?: () => void }).unref?.();
  }
}

function logClosed(): RealtimeError {
  return new RealtimeError("closed", "The log is closed. Open it again to publish.");
}
