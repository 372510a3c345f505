/**
 * The sink that writes to a stream: on Bun, on Workers, in the portable sink (`hono-sink.ts`), and on Node for the first
 * frames, before `NodeSocketSink` writes to the socket.
 */
import type { Flushable, FlushScheduler } from "../realtime/delivery/flush-scheduler.ts";
import { type FrameBatch, joinFrames } from "../realtime/delivery/frame-batch.ts";
import type { CloseReason } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import { type BoundedQueue, checkNextTurn, fitsBurst } from "./overflow.ts";
import type { ChunkWriter, OutgoingSink, SinkListener, WriteCallback } from "./sink.ts";

/** Queued frames are joined into chunks of at most this size, so that many small frames take one write. */
const MAX_CHUNK_BYTES: Bytes = 64 * 1024;

/**
 * A chunk that is smaller than this is not reported with `onQueued` when its write starts. Most chunks are written a moment
 * later, and a report of each chunk would cost CPU time on every delivery.
 */
const MIN_REPORTED_BYTES: Bytes = 4096;

/** Writes frames to a `ChunkWriter`, one chunk at a time. Queues the frames that are added during a write. */
export class BufferedSink implements OutgoingSink, Flushable, WriteCallback, BoundedQueue {
  readonly #listener: SinkListener;
  readonly #writer: ChunkWriter;
  readonly #flushScheduler: FlushScheduler | undefined;
  /** Frames of this turn, for the scheduler's next flush. Undefined when there are none. */
  #pending: FrameBatch | undefined;
  /** Undefined while empty: there are many clients, and an empty array for each of them costs memory. */
  #queue: Uint8Array[] | undefined;
  #drainCallbacks: (() => void)[] | undefined;
  #bufferedBytes: Bytes = 0;
  /** Length of the chunk that is being written. 0 when there is none. */
  #writingBytes: Bytes = 0;
  /** The chunk that is being written, if it was reported with `onQueued`. */
  #queuedChunk: Uint8Array | undefined;
  #writingSince: Milliseconds = 0;
  #writes = 0;
  /** Whether the chunk that is being written is a single frame. A single frame of any size is not an overflow. */
  #isSingleFrame = false;
  #isPumping = false;
  #isClosed = false;
  #isDestroyed = false;

  /** @param flushScheduler Batches frames until the end of a turn of the event loop. Default: each frame is written at once. */
  constructor(listener: SinkListener, writer: ChunkWriter, flushScheduler?: FlushScheduler) {
    this.#listener = listener;
    this.#writer = writer;
    this.#flushScheduler = flushScheduler;
  }

  get bufferedBytes(): Bytes {
    return this.#bufferedBytes;
  }

  get writes(): number {
    return this.#writes;
  }

  get handshakeSent(): boolean {
    return this.#writes > 0;
  }

  get stalledFor(): Milliseconds {
    return this.#writingBytes === 0 ? 0 : this.#listener.now() - this.#writingSince;
  }

  write(frame: Uint8Array): boolean {
    if (this.#isClosed) return false;
    const { maxBufferedBytes } = this.#listener;
    if (!fitsBurst(this.#bufferedBytes, frame.length, maxBufferedBytes)) return false;
    this.#push(frame);
    if (this.#bufferedBytes > maxBufferedBytes) {
      this.#flushScheduler?.endWait();
      checkNextTurn(this, this.#listener);
    }
    return true;
  }

  isOverLimit(): boolean {
    if (this.#isClosed || this.#bufferedBytes <= this.#listener.maxBufferedBytes) return false;
    return !this.#isSingleFrame || this.#queue !== undefined;
  }

  onDrain(callback: () => void): void {
    this.#whenDrained(() => !this.#isClosed && callback());
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
    // Needed because some writers never call `done` for a chunk after `destroy`.
    this.#notifyDrained();
  }

  /** Writes the frames of this turn. If a chunk is being written, queues the frames instead. */
  flush(): void {
    const batch = this.#pending;
    if (batch === undefined) return;
    this.#pending = undefined;
    if (this.#writingBytes > 0) {
      const frames = batch.frames();
      this.#queue ??= [];
      this.#queue.push(...frames);
      for (const frame of frames) if (!this.#isDestroyed) this.#listener.onQueued(frame);
      return;
    }
    this.#isSingleFrame = batch.count === 1;
    this.#writeChunk(batch.bytes(joinFrames));
    this.#pump();
  }

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
    const scheduler = this.#flushScheduler;
    if (scheduler === undefined) {
      this.#queue ??= [];
      this.#queue.push(frame);
      if (this.#writingBytes > 0) this.#listener.onQueued(frame);
      this.#pump();
      return;
    }
    const isFirst = this.#pending === undefined;
    this.#pending = (this.#pending ?? scheduler.emptyBatch).append(frame);
    if (isFirst) scheduler.add(this);
    if (scheduler.isFull) scheduler.flush();
  }

  #whenDrained(callback: () => void): void {
    this.flush();
    if (this.#writingBytes === 0) {
      callback();
    } else {
      this.#drainCallbacks ??= [];
      this.#drainCallbacks.push(callback);
    }
  }

  #writeChunk(chunk: Uint8Array): void {
    this.#writingBytes = chunk.length;
    this.#writingSince = this.#listener.now();
    // A writer may call `done` within `write`, and `done` calls `#pump`. The flag prevents a recursion: the caller of
    // `#writeChunk` goes on to write the next chunk.
    const wasPumping = this.#isPumping;
    this.#isPumping = true;
    this.#writer.write(chunk, this);
    this.#isPumping = wasPumping;
    if (this.#writingBytes < MIN_REPORTED_BYTES || this.#isDestroyed) return;
    this.#queuedChunk = chunk;
    this.#listener.onQueued(chunk);
  }

  /** Writes queued chunks until the writer is busy. */
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
    // Only the frames of this turn remain. After `destroy`, this also removes the discarded frames from the count.
    this.#bufferedBytes = this.#pending?.length ?? 0;
    this.#notifyDrained();
  }

  #notifyDrained(): void {
    const callbacks = this.#drainCallbacks;
    this.#drainCallbacks = undefined;
    for (const callback of callbacks ?? []) callback();
  }

  /** Removes frames from the queue, and joins them into one chunk. */
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
}
