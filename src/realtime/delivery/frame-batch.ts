/**
 * Frames of one turn of the event loop, joined so that they leave in one write, and shared: clients that were given the
 * same frames one after another get the same bytes. Giving a frame to the thousandth client allocates nothing.
 */

const NONE = new Uint8Array();

/** Bytes of the frames of one turn. */
interface BatchSize {
  bytes: number;
}

/** Bytes of frames that may be collected in one turn before they are written. */
const MAX_BATCH_BYTES = 8 * 1024 * 1024;

/** Frames that some client was given in this turn, the last of them here. */
export class FrameBatch {
  /** Of all frames in it. */
  readonly length: number;
  /** How many. */
  readonly count: number;
  readonly #before: FrameBatch | undefined;
  readonly #frame: Uint8Array;
  /** What was given behind it, to anybody; the one asked for last, since the next client asks for the same. */
  #lastNext: FrameBatch | undefined;
  #otherNexts: Map<Uint8Array, FrameBatch> | undefined;
  #bytes: Uint8Array | undefined;
  readonly #size: BatchSize;

  private constructor(before: FrameBatch | undefined, frame: Uint8Array, size: BatchSize) {
    this.#before = before;
    this.#frame = frame;
    this.#size = size;
    // Only what is no other client's: shared frames are in memory once.
    size.bytes += frame.length;
    this.length = (before?.length ?? 0) + frame.length;
    this.count = before === undefined ? 0 : before.count + 1;
  }

  /** No frame yet; every turn has one of its own. */
  static empty(size: BatchSize = { bytes: 0 }): FrameBatch {
    return new FrameBatch(undefined, NONE, size);
  }

  /** These frames and one more. */
  append(frame: Uint8Array): FrameBatch {
    const last = this.#lastNext;
    if (last !== undefined && last.#frame === frame) return last;
    if (last !== undefined) {
      this.#otherNexts ??= new Map();
      this.#otherNexts.set(last.#frame, last);
    }
    const known = this.#otherNexts?.get(frame);
    const run = known ?? new FrameBatch(this, frame, this.#size);
    this.#lastNext = run;
    return run;
  }

  /**
   * All of it as it goes out, made once.
   *
   * @param wrap Puts what the connection wants around the frames: their length in bytes, and the frames in order.
   */
  bytes(wrap: (length: number, frames: readonly Uint8Array[]) => Uint8Array): Uint8Array {
    this.#bytes ??= wrap(this.length, this.frames());
    return this.#bytes;
  }

  /** In order. */
  frames(): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (let run: FrameBatch = this; run.#before !== undefined; run = run.#before) {
      frames.push(run.#frame);
    }
    return frames.reverse();
  }
}

/** Something that has frames of this turn. */
export interface Flushable {
  flush(): void;
}

/**
 * Flushes whoever was given something in this turn, when it ends.
 *
 * @param atTurnsEnd Runs a function then. On Node and Bun `setImmediate`: after everything that had arrived was read, so
 *   what came together leaves together.
 */
export class FlushScheduler {
  readonly #atTurnsEnd: (run: () => void) => void;
  #pending: Flushable[] = [];
  #size: BatchSize = { bytes: 0 };
  #emptyBatch = FrameBatch.empty(this.#size);

  constructor(atTurnsEnd: (run: () => void) => void) {
    this.#atTurnsEnd = atTurnsEnd;
  }

  /** What everybody begins this turn with. */
  get emptyBatch(): FrameBatch {
    return this.#emptyBatch;
  }

  /** So much was given in this turn that its end is too long to wait for: call `flush`. */
  get isFull(): boolean {
    return this.#size.bytes > MAX_BATCH_BYTES;
  }

  /** Ends the turn now. */
  flush(): void {
    this.#flushAll();
  }

  add(one: Flushable): void {
    this.#pending.push(one);
    if (this.#pending.length === 1) this.#atTurnsEnd(this.#flushAll);
  }

  readonly #flushAll = (): void => {
    const given = this.#pending;
    this.#pending = [];
    this.#size = { bytes: 0 };
    this.#emptyBatch = FrameBatch.empty(this.#size);
    for (const one of given) one.flush();
  };
}

/** Frames one behind the other. */
export function joinFrames(length: number, frames: readonly Uint8Array[]): Uint8Array {
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
