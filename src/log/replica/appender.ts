import { RealtimeError } from "../../realtime/errors.ts";
import type { Message, Principal } from "../../realtime/types.ts";
import type { Bytes } from "../../realtime/units.ts";
import { assertNoReusedIds } from "../fingerprint.ts";
import { messageSize, type PublishReceipt } from "../log.ts";
import {
  type BatchOutcome,
  MAX_APPEND,
  type Sequencer,
  type SequencerBatch,
  type SequencerPosition,
} from "./sequencer.ts";

/**
 * Maximum size of the messages of one call, unless a single batch is larger. A sequencer drops old entries by size. It must not
 * drop entries of this call before the processes have read them.
 */
const MAX_CALL: Bytes = 8 * 1024 * 1024;

/** Maximum size of the messages that wait for a call of the sequencer. */
const MAX_WAITING: Bytes = 64 * 1024 * 1024;

/** A batch that was appended. */
export interface AppendedBatch {
  readonly receipts: readonly PublishReceipt[];
  /** Position of the newest message of the batch. */
  readonly position: SequencerPosition;
}

/** A batch that waits for a call of the sequencer. */
interface WaitingBatch {
  readonly batch: SequencerBatch;
  readonly size: Bytes;
  readonly resolve: (appended: AppendedBatch) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends batches to the sequencer in their order. One call is under way at a time. The batches that arrive meanwhile travel
 * together in the next call, because a call costs more than a message.
 */
export class Appender {
  readonly #sequencer: Sequencer;
  readonly #onSettled: (error: unknown) => void;
  #waiting: WaitingBatch[] = [];
  #waitingBytes: Bytes = 0;
  #running: Promise<void> | undefined;

  /** @param onSettled Called after each call of the sequencer, with its error or undefined. */
  constructor(sequencer: Sequencer, onSettled: (error: unknown) => void) {
    this.#sequencer = sequencer;
    this.#onSettled = onSettled;
  }

  /**
   * Appends a batch.
   *
   * @throws RealtimeError `id_reused`, `revoked`, and the errors of `Sequencer.append`. `unreachable` if too many messages wait.
   */
  append(messages: readonly Message[], publisher: Principal = {}): Promise<AppendedBatch> {
    const size = messages.reduce((sum, message) => sum + messageSize(message), 0);
    if (this.#waiting.length > 0 && this.#waitingBytes + size > MAX_WAITING) {
      return Promise.reject(tooManyWaiting());
    }
    const { identity, issuedAt = 0 } = publisher;
    const batch = {
      messages,
      publisher: identity === undefined ? undefined : { identity, issuedAt },
    };
    return new Promise((resolve, reject) => {
      this.#waitingBytes += size;
      this.#waiting.push({ batch, size, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when no batch waits and no call is under way. */
  async whenIdle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Batches that the same synchronous code appends travel in the first call.
    await undefined;
    while (this.#waiting.length > 0) await this.#call(this.#takeBatches());
    this.#running = undefined;
  }

  #takeBatches(): WaitingBatch[] {
    let count = 0;
    let bytes = 0;
    const end = this.#waiting.findIndex(({ batch, size }, index) => {
      count += batch.messages.length;
      bytes += size;
      return index > 0 && (count > MAX_APPEND || bytes > MAX_CALL);
    });
    const taken = this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
    for (const { size } of taken) this.#waitingBytes -= size;
    return taken;
  }

  async #call(waiting: readonly WaitingBatch[]): Promise<void> {
    let outcomes: readonly BatchOutcome[];
    try {
      outcomes = await this.#sequencer.append(waiting.map(({ batch }) => batch));
    } catch (error) {
      for (const { reject } of waiting) reject(error);
      this.#onSettled(error);
      return;
    }
    this.#onSettled(undefined);
    for (const [index, { resolve, reject }] of waiting.entries()) {
      try {
        resolve(toAppended(outcomes[index]));
      } catch (error) {
        reject(error);
      }
    }
  }
}

function toAppended(outcome: BatchOutcome | undefined): AppendedBatch {
  if (outcome?.kind === "appended") return outcome;
  if (outcome?.kind === "id_reused") assertNoReusedIds(outcome.indexes);
  if (outcome?.kind === "revoked") {
    throw new RealtimeError("revoked", "This credential has been revoked. Sign in again.");
  }
  throw new Error("The sequencer returned no outcome for a batch.");
}

function tooManyWaiting(): RealtimeError {
  return new RealtimeError(
    "unreachable",
    "Too many messages are waiting to be stored. Send the message again soon, with the same id.",
  );
}
