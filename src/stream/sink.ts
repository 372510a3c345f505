import type { Context } from "hono";
import type { SSEStreamingApi } from "hono/streaming";
import {
  type Flushable,
  type FlushScheduler,
  type FrameBatch,
  joinFrames,
} from "../realtime/delivery/frame-batch.ts";
import type { CloseReason, FrameSink } from "../realtime/types.ts";

/** Whoever holds the stream, as a sink of any kind sees it. */
export interface SinkListener {
  /** Bytes that may wait for a client. */
  readonly maxBufferedBytes: number;
  /** Writes after which `onSpent` is called, once; 0 is never. */
  readonly maxWrites: number;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** More than `maxBufferedBytes` are still waiting after the stream had a turn to take them. */
  onOverflow(): void;
  onWriteLimit(): void;
  /** A chunk waits for the client: the runtime was given it and has not taken it, or it is in a queue. */
  onQueued(chunk: Uint8Array): void;
  /** The runtime has taken a chunk. One of which `onWaiting` was not told counts for nothing. */
  onWritten(chunk: Uint8Array): void;
  /** The client has left. May be called more than once, and at the end. */
  onDisconnect(): void;
  /** From now on the sink does without the stream that it was opened with: it may be closed, and nothing ends. */
  onDetached(): void;
  /** The core has closed the sink, or the handler has. Called once, with the first reason given. */
  onClosed(reason: CloseReason): void;
}

/** A `FrameSink`, and what the handler of its stream does with it. */
export interface OutgoingSink extends FrameSink {
  /** Writes that the stream has taken. */
  readonly writes: number;
  /** The response's head and the handshake are on their way to the client, as far as the runtime tells. */
  readonly handshakeSent: boolean;
  /** For how long the client has not taken what waits for it, in milliseconds; 0 when nothing waits. */
  readonly stalledFor: number;
  /** Writes a last frame although the sink is closed, waits until everything has been taken, and ends the response. */
  finish(frame: Uint8Array | undefined): Promise<void>;
  /** Lets go of everything that waits, and of the connection: nobody will read it. */
  destroy(): void;
}

/** Whoever has written a chunk, and waits. */
export interface WriteCallback {
  /** The stream has taken the chunk, or never will. */
  done(hasFailed?: boolean): void;
}

/** What a `StreamSink` writes to, one chunk at a time. */
export interface ChunkWriter {
  /** Calls `sink.done` when the stream has taken the chunk, at once or later, and when it never will. */
  write(chunk: Uint8Array, sink: WriteCallback): void;
  /** Ends the response, when everything was taken. Default: whoever opened the stream does. */
  end?(): void;
  destroy(): void;
}

/**
 * Milliseconds in which a client must take what waits for it, and the last frame, once its stream is to end. At a stop of the
 * service `REALTIME_DRAIN_SECONDS` is the deadline instead.
 */
export const FINAL_FRAME_TIMEOUT = 10_000;

/** What the portable sink needs of a runtime. */
export interface SinkRuntime {
  /** Cuts the connection although its client does not read. Default: the stream is cancelled, no more. */
  readonly abort?: (c: Context) => void;
  /** At whose end the frames of a portable sink are written, together. Default: each at once. */
  readonly flushScheduler?: FlushScheduler;
}

/** The portable sink of a stream of Hono's: the stream's closing ends the response. */
export function openHonoSink(
  c: Context,
  stream: SSEStreamingApi,
  owner: SinkListener,
  { abort, flushScheduler }: SinkRuntime,
): OutgoingSink {
  const { signal } = c.req.raw;
  const leave = () => owner.onDisconnect();
  stream.onAbort(leave);
  signal.addEventListener("abort", leave);
  // It may have left while it was being let in; an aborted signal tells nobody any more.
  if (signal.aborted) leave();
  const cut = () => {
    stream.abort();
    abort?.(c);
  };
  const end = () => {
    if (abort === undefined) return;
    // What is behind the stream may hold bytes that the client never reads.
    const timer = setTimeout(() => abort(c), FINAL_FRAME_TIMEOUT);
    (timer as { unref?: () => void }).unref?.();
  };
  return new BufferedSink(owner, { ...createHonoWriter(stream, cut), end }, flushScheduler);
}

/** Hono's `StreamingApi.write` resolves when the stream behind it has room: the only backpressure that it shows. */
export function createHonoWriter(
  stream: SSEStreamingApi,
  destroy: () => void = () => {},
): ChunkWriter {
  return {
    write: (chunk, sink) => {
      stream.write(chunk).then(
        () => sink.done(),
        () => sink.done(true),
      );
    },
    destroy,
  };
}

/** Waiting frames are joined up to this size, so that many small ones cost one write. */
const MAX_CHUNK_BYTES = 64 * 1024;

/** Bytes of a chunk that is worth counting while it waits alone: most are taken a moment later, and counting costs. */
const MIN_REPORTED_BYTES = 4096;

/**
 * Within one turn of the event loop nothing can drain, so a healthy client may be handed a whole batch at
 * once. It gets this many times its bound until the turn ends.
 */
export const BURST_FACTOR = 4;

/**
 * A `FrameSink` over any stream that says when it has taken a chunk: the portable one, for every runtime. Until then frames
 * queue here and are counted.
 */
export class BufferedSink implements OutgoingSink, Flushable {
  readonly #listener: SinkListener;
  readonly #writer: ChunkWriter;
  readonly #flushScheduler: FlushScheduler | undefined;
  /** Given in this turn, where turns are waited for. */
  #pending: FrameBatch | undefined;
  /** Most clients never have a queue, and there are many of them. */
  #queue: Uint8Array[] | undefined;
  #drainCallbacks: (() => void)[] | undefined;
  #bufferedBytes = 0;
  /** Length of the chunk that the stream has not taken yet; 0 is none. */
  #writingBytes = 0;
  /** That chunk, once it waits. */
  #queuedChunk: Uint8Array | undefined;
  #writingSince = 0;
  #writes = 0;
  /** What is being written is one frame, which has a right to go however large it is. */
  #isSingleFrame = false;
  #isPumping = false;
  #isClosed = false;
  #isDestroyed = false;
  #isChecking = false;

  /** @param turn At the end of which frames are written; without it they are at once. */
  constructor(owner: SinkListener, writer: ChunkWriter, turn?: FlushScheduler) {
    this.#listener = owner;
    this.#writer = writer;
    this.#flushScheduler = turn;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  get writes(): number {
    return this.#writes;
  }

  get handshakeSent(): boolean {
    return this.#writes > 0;
  }

  get stalledFor(): number {
    return this.#writingBytes === 0 ? 0 : this.#listener.now() - this.#writingSince;
  }

  write(frame: Uint8Array): boolean {
    if (this.#isClosed) return false;
    const { maxBufferedBytes } = this.#listener;
    const burst = this.#bufferedBytes + frame.length > maxBufferedBytes * BURST_FACTOR;
    // A single frame, however large, always goes to a client for which nothing waits.
    if (burst && this.#bufferedBytes > 0) return false;
    this.#push(frame);
    if (this.#bufferedBytes > maxBufferedBytes) this.#checkNextTurn();
    return true;
  }

  onDrain(taken: () => void): void {
    this.#whenDrained(() => !this.#isClosed && taken());
  }

  async finish(frame: Uint8Array | undefined): Promise<void> {
    if (frame !== undefined) this.#push(frame);
    await new Promise<void>((resolve) => this.#whenDrained(resolve));
    this.#writer.end?.();
  }

  close(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.onClosed(reason);
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.#pending = undefined;
    this.#queue = undefined;
    this.#writer.destroy();
    // Not every stream says what becomes of a chunk once it was cut.
    this.#notifyDrained();
  }

  /** The end of a turn in which it was given something. */
  flush(): void {
    const given = this.#pending;
    if (given === undefined) return;
    this.#pending = undefined;
    if (this.#writingBytes > 0) {
      // They go with whatever else comes until that has been taken.
      const frames = given.frames();
      this.#queue ??= [];
      this.#queue.push(...frames);
      for (const frame of frames) if (!this.#isDestroyed) this.#listener.onQueued(frame);
      return;
    }
    this.#isSingleFrame = given.count === 1;
    this.#writeChunk(given.bytes(joinFrames));
    this.#pump();
  }

  /** The stream has taken the chunk, or has failed. */
  done(hasFailed = false): void {
    this.#bufferedBytes -= this.#writingBytes;
    this.#writingBytes = 0;
    if (this.#queuedChunk !== undefined) this.#listener.onWritten(this.#queuedChunk);
    this.#queuedChunk = undefined;
    this.#writes += 1;
    if (hasFailed) this.close("client");
    if (this.#writes === this.#listener.maxWrites) this.#listener.onWriteLimit();
    this.#pump();
  }

  #push(frame: Uint8Array): void {
    this.#bufferedBytes += frame.length;
    if (this.#flushScheduler === undefined) {
      this.#queue ??= [];
      this.#queue.push(frame);
      if (this.#writingBytes > 0) this.#listener.onQueued(frame);
      this.#pump();
      return;
    }
    if (this.#pending === undefined) {
      this.#pending = this.#flushScheduler.emptyBatch.append(frame);
      this.#flushScheduler.add(this);
    } else {
      this.#pending = this.#pending.append(frame);
    }
    if (this.#flushScheduler.isFull) this.#flushScheduler.flush();
  }

  #whenDrained(tell: () => void): void {
    this.flush();
    if (this.#writingBytes === 0) {
      tell();
    } else {
      this.#drainCallbacks ??= [];
      this.#drainCallbacks.push(tell);
    }
  }

  #writeChunk(chunk: Uint8Array): void {
    this.#writingBytes = chunk.length;
    this.#writingSince = this.#listener.now();
    // A stream that takes it at once says so from within; `#pump` goes on then.
    const isPumping = this.#isPumping;
    this.#isPumping = true;
    this.#writer.write(chunk, this);
    this.#isPumping = isPumping;
    if (this.#writingBytes < MIN_REPORTED_BYTES || this.#isDestroyed) return;
    this.#queuedChunk = chunk;
    this.#listener.onQueued(chunk);
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#writingBytes === 0) {
      const chunk = this.#nextChunk();
      if (chunk === undefined) break;
      this.#writeChunk(chunk);
    }
    this.#isPumping = false;
    if (this.#writingBytes > 0) return;
    // Of what was cut nothing comes any more.
    this.#bufferedBytes = this.#pending?.length ?? 0;
    this.#notifyDrained();
  }

  #notifyDrained(): void {
    const idle = this.#drainCallbacks;
    this.#drainCallbacks = undefined;
    for (const tell of idle ?? []) tell();
  }

  #nextChunk(): Uint8Array | undefined {
    const queue = this.#queue;
    const first = queue?.[0];
    if (queue === undefined || first === undefined) return undefined;
    let { length } = first;
    let count = 1;
    for (let next = queue[count]; next !== undefined; next = queue[count]) {
      if (length + next.length > MAX_CHUNK_BYTES) break;
      length += next.length;
      count += 1;
    }
    const frames = queue.splice(0, count);
    for (const frame of frames) this.#listener.onWritten(frame);
    if (queue.length === 0) this.#queue = undefined;
    this.#isSingleFrame = count === 1;
    return joinFrames(length, frames);
  }

  #checkNextTurn(): void {
    if (this.#isChecking) return;
    this.#isChecking = true;
    setTimeout(() => {
      this.#isChecking = false;
      const isAlone = this.#isSingleFrame && this.#queue === undefined;
      const over = this.#bufferedBytes > this.#listener.maxBufferedBytes && !isAlone;
      if (over && !this.#isClosed) this.#listener.onOverflow();
    });
  }
}
