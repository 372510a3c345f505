import type { Bytes } from "../units.ts";

const NO_FRAME = new Uint8Array();

/** The bytes of all frames of one turn of the event loop. A frame counts once, however many clients get it. */
interface TurnSize {
  bytes: Bytes;
}

/** How many bytes of frames are collected in one turn before they must be written. */
const MAX_TURN_BYTES: Bytes = 8 * 1024 * 1024;

/**
 * Frames that leave in one write: those that a client was given in one turn of the event loop. An immutable list that clients
 * share: clients that are given the same frames in the same order have the same `FrameBatch`, and so the same bytes. To append a
 * frame that another client was given before allocates nothing.
 *
 * The batches of a turn are a tree. Its root is the empty batch, and each batch points to the batch that it extends.
 */
export class FrameBatch {
  /** Bytes of all frames. */
  readonly length: Bytes;
  /** The number of frames. */
  readonly count: number;
  /** The batch without the last frame; undefined for the empty batch. */
  readonly #previous: FrameBatch | undefined;
  /** The last frame. */
  readonly #frame: Uint8Array;
  /** The batch that `append` returned last. The next client mostly appends the same frame. */
  #lastNext: FrameBatch | undefined;
  /** The other batches that `append` has returned, by their last frame. */
  #otherNexts: Map<Uint8Array, FrameBatch> | undefined;
  #bytes: Uint8Array | undefined;
  readonly #turnSize: TurnSize;

  private constructor(previous: FrameBatch | undefined, frame: Uint8Array, turnSize: TurnSize) {
    this.#previous = previous;
    this.#frame = frame;
    this.#turnSize = turnSize;
    turnSize.bytes += frame.length;
    this.length = (previous?.length ?? 0) + frame.length;
    this.count = previous === undefined ? 0 : previous.count + 1;
  }

  /** A batch without frames. Every turn needs one of its own. */
  static empty(turnSize: TurnSize = { bytes: 0 }): FrameBatch {
    return new FrameBatch(undefined, NO_FRAME, turnSize);
  }

  /** The batch with one more frame. */
  append(frame: Uint8Array): FrameBatch {
    const last = this.#lastNext;
    if (last !== undefined && last.#frame === frame) return last;
    if (last !== undefined) {
      this.#otherNexts ??= new Map();
      this.#otherNexts.set(last.#frame, last);
    }
    const known = this.#otherNexts?.get(frame);
    const next = known ?? new FrameBatch(this, frame, this.#turnSize);
    this.#lastNext = next;
    return next;
  }

  /**
   * The bytes to write. Computed once.
   *
   * @param join Joins the frames and adds what the connection needs around them. It gets their total length and the frames in
   *   order. All clients of a batch must pass the same function.
   */
  bytes(join: (length: Bytes, frames: readonly Uint8Array[]) => Uint8Array): Uint8Array {
    this.#bytes ??= join(this.length, this.frames());
    return this.#bytes;
  }

  /** The frames in order. */
  frames(): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (let batch: FrameBatch = this; batch.#previous !== undefined; batch = batch.#previous) {
      frames.push(batch.#frame);
    }
    return frames.reverse();
  }
}

/** A sink with frames that have not been written. */
export interface Flushable {
  /** Writes the frames. */
  flush(): void;
}

/** Flushes sinks at the end of the turn of the event loop in which they were given frames. */
export class FlushScheduler {
  readonly #runAtEndOfTurn: (run: () => void) => void;
  #pending: Flushable[] = [];
  #turnSize: TurnSize = { bytes: 0 };
  #emptyBatch = FrameBatch.empty(this.#turnSize);

  /**
   * @param runAtEndOfTurn Runs a function when the current turn ends. On Node and Bun that is `setImmediate`: it runs after all
   *   data that has arrived was read, so that messages that arrived together leave together.
   */
  constructor(runAtEndOfTurn: (run: () => void) => void) {
    this.#runAtEndOfTurn = runAtEndOfTurn;
  }

  /** The batch to which sinks append their first frame of this turn. */
  get emptyBatch(): FrameBatch {
    return this.#emptyBatch;
  }

  /** Whether more than 8 MiB of frames wait. Call `flush` then, instead of waiting for the end of the turn. */
  get isFull(): boolean {
    return this.#turnSize.bytes > MAX_TURN_BYTES;
  }

  /** Flushes all sinks now. */
  flush(): void {
    this.#flushAll();
  }

  /** Adds a sink. A sink must be added once for the frames of a turn. */
  add(sink: Flushable): void {
    this.#pending.push(sink);
    if (this.#pending.length === 1) this.#runAtEndOfTurn(this.#flushAll);
  }

  readonly #flushAll = (): void => {
    const pending = this.#pending;
    this.#pending = [];
    this.#turnSize = { bytes: 0 };
    this.#emptyBatch = FrameBatch.empty(this.#turnSize);
    for (const sink of pending) sink.flush();
  };
}

/** Joins frames without anything around them, for `FrameBatch.bytes`. */
export function joinFrames(length: Bytes, frames: readonly Uint8Array[]): Uint8Array {
  const [first] = frames;
  if (frames.length === 1 && first !== undefined) return first;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const frame of frames) {
    joined.set(frame, offset);
    offset += frame.length;
  }
  return joined;
}
