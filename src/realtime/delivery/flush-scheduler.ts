import type { Bytes, Milliseconds } from "../units.ts";
import { FrameBatch, type TurnSize } from "./frame-batch.ts";

/** When the frames of a turn exceed this size, they must be written before the turn ends. */
const MAX_TURN_BYTES: Bytes = 8 * 1024 * 1024;

/** With at least this many sinks, a flush waits for further frames. With fewer, waiting costs more than a second flush. */
const MANY_SINKS = 100;

/** A flush waits at most about as long as the flush itself takes: this time for each sink, and at most `MAX_WAIT`. */
const WAIT_PER_SINK: Milliseconds = 0.005;
const MAX_WAIT: Milliseconds = 10;

/** A sink that collects frames until `flush` is called. */
export interface Flushable {
  /** Writes the frames. */
  flush(): void;
}

/** Options of a `FlushScheduler`. */
export interface FlushSchedulerOptions {
  /**
   * Runs a function when the current turn of the event loop ends. On Node and Bun this is `setImmediate`. It runs after all data
   * that has arrived was read, so messages that arrive together are sent together.
   */
  readonly runAtEndOfTurn: (run: () => void) => void;
  /** The clock. If it is given, a flush of many sinks waits for the messages of the following turns. Default: no flush waits. */
  readonly now?: () => Milliseconds;
}

/**
 * Flushes sinks at the end of the turn of the event loop in which frames were added to them.
 *
 * A flush of many sinks takes longer than several turns. Such a flush therefore waits until a turn has brought no further frame:
 * messages that arrive shortly after one another are then sent in one write to each client.
 */
export class FlushScheduler {
  readonly #options: FlushSchedulerOptions;
  #pending: Flushable[] = [];
  #turnSize: TurnSize = { bytes: 0 };
  #emptyBatch = FrameBatch.empty(this.#turnSize);
  /** Size of the frames at the end of the previous turn. */
  #earlierBytes: Bytes = 0;
  /** When the waiting flush must run. Undefined while no flush waits. -Infinity: at the end of this turn. */
  #deadline: Milliseconds | undefined;

  constructor(options: FlushSchedulerOptions) {
    this.#options = options;
  }

  /** The batch to which sinks append their first frame before the next flush. */
  get emptyBatch(): FrameBatch {
    return this.#emptyBatch;
  }

  /** Whether the frames that wait for the flush have more than 8 MiB. If so, call `flush` now. */
  get isFull(): boolean {
    return this.#turnSize.bytes > MAX_TURN_BYTES;
  }

  /** Adds a sink. Call this only for the first frame of a sink since the last flush. */
  add(sink: Flushable): void {
    this.#pending.push(sink);
    if (this.#pending.length === 1) this.#options.runAtEndOfTurn(this.#onEndOfTurn);
  }

  /**
   * Flushes at the end of this turn, without a wait for further frames. Call this when the frames of a sink exceed the limit of the
   * sink: a client can take no bytes before the flush, and would be disconnected as too slow.
   */
  endWait(): void {
    this.#deadline = Number.NEGATIVE_INFINITY;
  }

  /** Flushes all sinks now. */
  flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    this.#turnSize = { bytes: 0 };
    this.#emptyBatch = FrameBatch.empty(this.#turnSize);
    this.#earlierBytes = 0;
    this.#deadline = undefined;
    for (const sink of pending) sink.flush();
  }

  readonly #onEndOfTurn = (): void => {
    if (this.#mustWait()) this.#options.runAtEndOfTurn(this.#onEndOfTurn);
    else this.flush();
  };

  #mustWait(): boolean {
    const { now } = this.#options;
    const { bytes } = this.#turnSize;
    const sinks = this.#pending.length;
    if (now === undefined || sinks < MANY_SINKS || bytes === this.#earlierBytes) return false;
    this.#earlierBytes = bytes;
    const time = now();
    this.#deadline ??= time + Math.min(sinks * WAIT_PER_SINK, MAX_WAIT);
    return time < this.#deadline;
  }
}
