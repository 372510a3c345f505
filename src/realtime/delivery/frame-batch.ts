import type { Bytes } from "../units.ts";

const NO_FRAME = new Uint8Array();

/** Total size of the frames that are flushed together. A batch that several clients share counts once. */
export interface TurnSize {
  bytes: Bytes;
}

/**
 * The frames that a client receives in one turn of the event loop. They are written together.
 *
 * A batch is an immutable list that clients share. Clients with the same frames in the same order have the same
 * `FrameBatch`, and therefore the same joined bytes. `append` allocates nothing if the same frame was appended for another
 * client before.
 *
 * The batches of a turn form a tree. The root is the empty batch, and each batch refers to the batch that it extends.
 */
export class FrameBatch {
  /** Total size of the frames. */
  readonly length: Bytes;
  /** The number of frames. */
  readonly count: number;
  /** The batch without the last frame; undefined for the empty batch. */
  readonly #previous: FrameBatch | undefined;
  /** The last frame. */
  readonly #frame: Uint8Array;
  /** The batch that `append` returned last. The next client usually appends the same frame. */
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

  /** Creates a batch without frames. Each turn needs its own empty batch. */
  static empty(turnSize: TurnSize = { bytes: 0 }): FrameBatch {
    return new FrameBatch(undefined, NO_FRAME, turnSize);
  }

  /** Returns the batch with one more frame. */
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
   * Returns the bytes to write. They are computed once.
   *
   * @param join Joins the frames, and adds the chunked encoding if the connection needs it. Called with the total length of
   *   the frames and the frames in order. All clients of a batch must pass the same function.
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

/** Joins frames without a further encoding, for `FrameBatch.bytes`. */
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
