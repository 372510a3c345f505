import type { Context } from "hono";
import type { SSEStreamingApi } from "hono/streaming";
import { type Flushable, type FrameRun, joinFrames, type Turn } from "../realtime/frame-runs.ts";
import type { CloseReason, FrameSink } from "../realtime/types.ts";
import type { Runtime } from "./peer.ts";

/** What a portable sink is made of. */
export interface SinkOptions {
  /** Writes to the stream; resolves when the stream has taken the bytes, and also when it is gone. */
  write(chunk: Uint8Array): Promise<unknown>;
  /** Bytes that may wait for a client. */
  readonly maxBufferedBytes: number;
  /** More than `maxBufferedBytes` are still waiting after the stream had a turn to take them. */
  onOverflow(): void;
  now(): number;
  /** Writes after which `onSpent` is called, once; 0 is never. */
  readonly maxWrites: number;
  onSpent(): void;
}

/** Whoever holds the stream, as a sink of any kind sees it. */
export interface SinkOwner extends SinkOptions {
  /** The client has left. May be called more than once, and at the end. */
  onGone(): void;
  /** From now on the sink does without the stream that it was opened with: it may be closed, and nothing ends. */
  onIndependent(): void;
}

/** A `FrameSink`, and what the handler of its stream does with it. */
export interface OutgoingSink extends FrameSink {
  /** Settles when the core or the handler closes the sink, with the first reason given. */
  readonly closed: Promise<CloseReason>;
  /** Writes that the stream has taken. */
  readonly writes: number;
  /** For how long the client has not taken what waits for it, in milliseconds; 0 when nothing waits. */
  readonly stalledFor: number;
  /** Writes a last frame although the sink is closed, waits until everything has been taken, and ends the response. */
  finish(frame: Uint8Array | undefined): Promise<void>;
  /** Lets go of everything that waits, and of the connection: nobody will read it. */
  cut(): void;
}

/** The portable sink of a stream of Hono's: the stream's closing ends the response. */
export function openStreamSink(
  c: Context,
  stream: SSEStreamingApi,
  owner: SinkOwner,
  { abort, turn }: Runtime,
): OutgoingSink {
  const { signal } = c.req.raw;
  const leave = () => owner.onGone();
  stream.onAbort(leave);
  signal.addEventListener("abort", leave);
  // It may have left while it was being let in; an aborted signal tells nobody any more.
  if (signal.aborted) leave();
  const cut = () => {
    stream.abort();
    abort?.(c);
  };
  return new StreamSink(owner, cut, turn);
}

/** Waiting frames are joined up to this size, so that many small ones cost one write. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Within one turn of the event loop nothing can drain, so a healthy client may be handed a whole batch at
 * once. It gets this many times its bound until the turn ends.
 */
export const BURST = 4;

/**
 * A `FrameSink` over any stream with an awaited write: the portable one, for every runtime.
 *
 * Hono's `StreamingApi.write` resolves when the stream behind it has room, which is the only backpressure
 * it shows; so frames queue here and are counted until that write resolves.
 */
export class StreamSink implements OutgoingSink, Flushable {
  readonly closed: Promise<CloseReason>;
  readonly #options: SinkOptions;
  readonly #settle: (reason: CloseReason) => void;
  readonly #idle: (() => void)[] = [];
  /** What is being written is one frame, which has a right to go however large it is. */
  #isOneFrame = false;
  #queue: Uint8Array[] = [];
  #bufferedBytes = 0;
  #writes = 0;
  #isClosed = false;
  #checking = false;
  #writingSince: number | undefined;
  #accepted = 0;
  #first: Uint8Array | undefined;
  readonly #onCut: () => void;
  readonly #turn: Turn | undefined;
  /** Given in this turn, where turns are waited for. */
  #given: FrameRun | undefined;

  /** @param turn At the end of which frames are written; without it they are at once. */
  constructor(options: SinkOptions, onCut: () => void = () => {}, turn?: Turn) {
    this.#options = options;
    this.#onCut = onCut;
    this.#turn = turn;
    let settle: (reason: CloseReason) => void = () => {};
    this.closed = new Promise((resolve) => {
      settle = resolve;
    });
    this.#settle = settle;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  get writes(): number {
    return this.#writes;
  }

  /** Bytes given to it so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** The first frame given to it. */
  get first(): Uint8Array | undefined {
    return this.#first;
  }

  get stalledFor(): number {
    return this.#writingSince === undefined ? 0 : this.#options.now() - this.#writingSince;
  }

  write(frame: Uint8Array): boolean {
    if (this.#isClosed) return false;
    const { maxBufferedBytes } = this.#options;
    const burst = this.#bufferedBytes + frame.length > maxBufferedBytes * BURST;
    // A single frame, however large, always goes to a client for which nothing waits.
    if (burst && this.#bufferedBytes > 0) return false;
    this.#push(frame);
    if (this.#bufferedBytes > maxBufferedBytes) this.#checkNextTurn();
    return true;
  }

  drained(taken: () => void): void {
    const tell = () => !this.#isClosed && taken();
    this.flush();
    if (this.#writingSince === undefined) tell();
    else this.#idle.push(tell);
  }

  async finish(frame: Uint8Array | undefined): Promise<void> {
    if (frame !== undefined) this.#push(frame);
    this.flush();
    if (this.#writingSince === undefined) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  close(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#settle(reason);
  }

  /** The end of a turn in which it was given something. */
  flush(): void {
    const given = this.#given;
    if (given === undefined) return;
    this.#given = undefined;
    if (this.#writingSince !== undefined) {
      // They go with whatever else comes until that has been taken.
      this.#queue.push(...given.frames());
      return;
    }
    this.#enqueue(given.bytes(joinFrames));
    this.#isOneFrame = given.count === 1;
  }

  cut(): void {
    this.#given = undefined;
    this.#queue = [];
    this.#onCut();
  }

  #push(frame: Uint8Array): void {
    this.#first ??= frame;
    this.#accepted += frame.length;
    this.#bufferedBytes += frame.length;
    if (this.#turn === undefined) {
      this.#enqueue(frame);
    } else if (this.#given === undefined) {
      this.#given = this.#turn.start.with(frame);
      this.#turn.add(this);
    } else {
      this.#given = this.#given.with(frame);
    }
  }

  #enqueue(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    if (this.#writingSince === undefined) void this.#drain();
  }

  async #drain(): Promise<void> {
    for (let chunk = this.#take(); chunk !== undefined; chunk = this.#take()) {
      this.#writingSince = this.#options.now();
      try {
        await this.#options.write(chunk);
      } catch {
        this.close("client");
      }
      this.#bufferedBytes -= chunk.length;
      this.#writes += 1;
      if (this.#writes === this.#options.maxWrites) this.#options.onSpent();
    }
    // Of what was cut nothing comes any more.
    this.#bufferedBytes = this.#given?.length ?? 0;
    this.#writingSince = undefined;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #take(): Uint8Array | undefined {
    const [first] = this.#queue;
    if (first === undefined) return undefined;
    let { length } = first;
    let count = 1;
    for (let next = this.#queue[count]; next !== undefined; next = this.#queue[count]) {
      if (length + next.length > CHUNK_BYTES) break;
      length += next.length;
      count += 1;
    }
    const frames = this.#queue.splice(0, count);
    this.#isOneFrame = count === 1;
    return joinFrames(length, frames);
  }

  #checkNextTurn(): void {
    if (this.#checking) return;
    this.#checking = true;
    setTimeout(() => {
      this.#checking = false;
      const isAlone = this.#isOneFrame && this.#queue.length === 0;
      const over = this.#bufferedBytes > this.#options.maxBufferedBytes && !isAlone;
      if (over && !this.#isClosed) this.#options.onOverflow();
    });
  }
}
