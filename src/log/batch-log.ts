import type { RealtimeError } from "../realtime/errors.ts";
import type { LogReader, Message } from "../realtime/types.ts";
import type { LogStats, PublishReceipt } from "./log.ts";

/** The outcome of one batch: its receipts, or the error with which this batch alone was refused. */
export type AppendOutcome = readonly PublishReceipt[] | RealtimeError;

/** The progress of an erasure. */
export interface EraseState {
  /** Messages up to this sequence are done. */
  readonly position: number;
  /** Sequence of the last message that the erasure concerns. */
  readonly until: number;
  /** Number of messages erased so far. */
  readonly erased: number;
  readonly isDone: boolean;
}

/**
 * A log with synchronous methods that appends several batches in one transaction. A batch is the messages of one call of
 * `MessageLog.append`. `SqliteLog` implements the interface.
 */
export interface BatchLog extends LogReader {
  /**
   * Appends batches in one transaction, in the given order, and then calls the tail listeners. A refused batch appends nothing
   * and does not affect the other batches.
   *
   * @returns One outcome for each batch.
   * @throws The database's error when the transaction fails. Nothing is appended then.
   */
  appendAll(batches: readonly (readonly Message[])[]): readonly AppendOutcome[];
  /** Whether the log has more messages than its limits allow. */
  isOverLimits(): boolean;
  /**
   * Deletes some of the messages that exceed `HistoryLimits` or are past their `ttl`, and the ids that exceed
   * `RememberedIdLimits`.
   *
   * @returns Whether more may be left to delete.
   */
  trim(): boolean;
  /**
   * Erases some of the messages to a topic, in one transaction. All steps together erase the messages that the log has at the
   * first step.
   *
   * @param from The state that the previous step has returned. Undefined in the first step.
   */
  eraseStep(topic: string, from?: EraseState): EraseState;
  stats(): LogStats;
  close(): void;
}
