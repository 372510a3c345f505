/**
 * The sink on Node. `NodeSocketSink.flush` writes frames to the socket. The sink bypasses the web streams between Hono and
 * Node, because they take most of the CPU time of a delivery through `streamSSE` (docs/performance.md).
 */
import { EventEmitter } from "node:events";
import { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { SSEStreamingApi } from "hono/streaming";
import type { Runtime } from "../../api/runtime.ts";
import { type Flushable, FlushScheduler } from "../../realtime/delivery/flush-scheduler.ts";
import type { FrameBatch } from "../../realtime/delivery/frame-batch.ts";
import type { CloseReason } from "../../realtime/types.ts";
import type { Bytes, Milliseconds } from "../../realtime/units.ts";
import { type BoundedQueue, checkNextTurn, fitsBurst } from "../../stream/overflow.ts";
import type { OutgoingSink, SinkListener } from "../../stream/sink.ts";
import { nodeBindings } from "./bindings.ts";
import { encodeChunk } from "./chunked-encoding.ts";
import { StreamHandover } from "./handover.ts";

const EMPTY = new Uint8Array();

/**
 * Time that the connection of an ended stream stays open for another request. Shorter than for other requests, because few
 * clients use such a connection again, and a client that reads nothing would keep it open.
 */
const ENDED_KEEP_ALIVE: Milliseconds = 5000;

/** Runs after all I/O of a turn, so messages that arrive together are sent in one write. */
const flushScheduler = new FlushScheduler({
  runAtEndOfTurn: (run) => void setImmediate(run),
  now: () => performance.now(),
});

/**
 * Tells compression middleware that has replaced the response's methods not to compress the stream. Compression holds back
 * small writes until a block is full, and not every middleware respects `no-transform`.
 */
const UNCOMPRESSED = { "Content-Encoding": "identity" };

/**
 * Opens a sink that first writes to Hono's stream. When the response head and the handshake are sent, the sink detaches from
 * Hono's stream and writes to the socket. If other code may change the bytes, the sink continues to write to Hono's stream.
 *
 * @returns undefined if the app was called without Node's response.
 */
export const openNodeSink: NonNullable<Runtime["openSink"]> = (c, stream, listener) => {
  const { outgoing } = nodeBindings(c);
  if (outgoing === undefined) return undefined;
  const isCompressed =
    outgoing.write !== ServerResponse.prototype.write && "chunkedEncoding" in outgoing;
  const sink = new NodeSocketSink(outgoing, listener, stream);
  return isCompressed ? { sink, headers: UNCOMPRESSED } : { sink };
};

class NodeSocketSink implements OutgoingSink, Flushable, BoundedQueue {
  readonly #outgoing: ServerResponse;
  readonly #listener: SinkListener;
  /** Undefined after the handover to the socket. */
  #handover: StreamHandover | undefined;
  /** Undefined before the handover to the socket. */
  #socket: Socket | undefined;
  /** Frames of this turn. */
  #pending: FrameBatch | undefined;
  #isClosed = false;
  /** Ends the wait of `finish` for the response's `close` event. */
  #resolveFinished: (() => void) | undefined;
  /**
   * Whether bytes were waiting in the socket after the last write. Stored, because reading `writableLength` per frame is
   * slow.
   */
  #hasBacklog = false;
  /** Whether the bytes in the socket are a single frame. A single frame of any size is not an overflow. */
  #isSingleFrame = false;
  #writes = 0;
  /** Copies of the listener's limits. A flush of thousands of sinks then need not load each listener into the processor's cache. */
  readonly #maxWrites: number;
  readonly #maxBufferedBytes: Bytes;
  /** Number of bytes that the socket had sent at the last check of `stalledFor`. -1 if no bytes were waiting at that check. */
  #flushedBytes: Bytes = -1;
  /** When `#flushedBytes` last changed. */
  #lastProgressAt: Milliseconds = 0;

  /** @param stream Carries the response head and the first frames. */
  constructor(outgoing: ServerResponse, listener: SinkListener, stream: SSEStreamingApi) {
    this.#outgoing = outgoing;
    this.#listener = listener;
    this.#maxWrites = listener.maxWrites;
    this.#maxBufferedBytes = listener.maxBufferedBytes;
    // Not `outgoing.on`: some compression middleware replaces this method, and registers no listener before the first write.
    EventEmitter.prototype.on.call(outgoing, "close", () => listener.onDisconnect());
    if (outgoing.destroyed || outgoing.closed) listener.onDisconnect();
    this.#handover = new StreamHandover(outgoing, listener, stream);
    this.#handover.watchResponse((writes) => {
      this.#handover = undefined;
      this.#socket = outgoing.socket ?? undefined;
      // No timeout is needed, because pings and `stalledFor` detect a dead connection. Each write would restart a timeout, which
      // costs CPU.
      this.#socket?.setTimeout(0);
      this.#writes = writes;
      listener.onDetached();
    });
  }

  get bufferedBytes(): Bytes {
    if (this.#handover !== undefined) return this.#handover.bufferedBytes;
    return (this.#pending?.length ?? 0) + (this.#socket?.writableLength ?? 0);
  }

  get writes(): number {
    return this.#writes + (this.#handover?.sink.writes ?? 0);
  }

  get handshakeSent(): boolean {
    return this.#handover === undefined || this.#handover.handshakeSent;
  }

  get stalledFor(): Milliseconds {
    if (this.#handover !== undefined) return this.#handover.sink.stalledFor;
    const socket = this.#socket;
    if (socket === undefined || socket.writableLength === 0) {
      this.#flushedBytes = -1;
      return 0;
    }
    const now = this.#listener.now();
    // `bytesWritten` includes the bytes that are waiting in the socket.
    const flushed = socket.bytesWritten - socket.writableLength;
    if (flushed !== this.#flushedBytes) {
      this.#flushedBytes = flushed;
      this.#lastProgressAt = now;
    }
    return now - this.#lastProgressAt;
  }

  write(frame: Uint8Array): boolean {
    if (this.#isClosed) return false;
    if (this.#handover !== undefined) return this.#handover.write(frame);
    if (this.#hasBacklog || this.#pending !== undefined) {
      const inSocket = this.#hasBacklog ? (this.#socket?.writableLength ?? 0) : 0;
      const queued = (this.#pending?.length ?? 0) + inSocket;
      if (!fitsBurst(queued, frame.length, this.#maxBufferedBytes)) return false;
      if (queued + frame.length > this.#maxBufferedBytes) flushScheduler.endWait();
    }
    this.#append(frame);
    return true;
  }

  onDrain(callback: () => void): void {
    if (this.#handover !== undefined) this.#handover.sink.onDrain(callback);
    else this.#whenDrained(() => !this.#isClosed && callback());
  }

  async finish(frame: Uint8Array | undefined): Promise<void> {
    const outgoing = this.#outgoing;
    if (this.#handover !== undefined) {
      await this.#handover.finish(frame);
      // Lets Hono close its stream. @hono/node-server then ends the response.
      this.#listener.onDetached();
    } else {
      if (frame !== undefined) this.#append(frame);
      await new Promise<void>((resolve) => this.#whenDrained(resolve));
      outgoing.end();
    }
    // The end of the chunked body may still be waiting in the socket.
    if (!outgoing.closed) {
      await new Promise<void>((resolve) => {
        this.#resolveFinished = resolve;
        outgoing.once("close", resolve);
      });
    }
    this.#socket?.setTimeout(ENDED_KEEP_ALIVE);
  }

  close(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.onClosed(reason);
  }

  destroy(): void {
    this.#pending = undefined;
    this.#handover?.sink.destroy();
    this.#outgoing.destroy();
    // A response that is queued after another on its connection emits no `close` event.
    this.#resolveFinished?.();
  }

  /** Writes the frames of this turn to the socket, as one chunk. */
  flush(): void {
    const batch = this.#pending;
    const socket = this.#socket;
    if (batch === undefined || socket === undefined) return;
    this.#pending = undefined;
    const wasEmpty = !this.#hasBacklog || socket.writableLength === 0;
    const chunk = batch.bytes(encodeChunk);
    const isBelowHighWaterMark = socket.write(chunk);
    this.#writes += 1;
    if (this.#writes === this.#maxWrites) this.#listener.onWriteLimit();
    this.#hasBacklog = !isBelowHighWaterMark || socket.writableLength > 0;
    if (!this.#hasBacklog) return;
    this.#isSingleFrame = batch.count === 1 && wasEmpty;
    this.#reportQueued(socket, chunk);
    if (socket.writableLength > this.#maxBufferedBytes) {
      checkNextTurn(this, this.#listener);
    }
  }

  isOverLimit(): boolean {
    if (this.#isClosed || this.#isSingleFrame) return false;
    return (this.#socket?.writableLength ?? 0) > this.#maxBufferedBytes;
  }

  #reportQueued(socket: Socket, chunk: Uint8Array): void {
    // The callback of an empty write runs when all earlier bytes have been written, or the socket is destroyed.
    socket.write(EMPTY, () => this.#listener.onWritten(chunk));
    this.#listener.onQueued(chunk);
  }

  #append(frame: Uint8Array): void {
    const isFirst = this.#pending === undefined;
    this.#pending = (this.#pending ?? flushScheduler.emptyBatch).append(frame);
    if (isFirst) flushScheduler.add(this);
    if (flushScheduler.isFull) flushScheduler.flush();
  }

  #whenDrained(callback: () => void): void {
    this.flush();
    const socket = this.#socket;
    if (socket === undefined || socket.writableLength === 0 || socket.destroyed) callback();
    else socket.write(EMPTY, () => callback());
  }
}
