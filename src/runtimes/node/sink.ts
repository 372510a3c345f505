/**
 * Frames on their way to a client's connection on Node, past the web streams: most of what a delivery costs through
 * `streamSSE` is spent between its TransformStream and the socket (docs/performance.md).
 */
import { EventEmitter } from "node:events";
import { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { SSEStreamingApi } from "hono/streaming";
import type { Runtime } from "../../api/runtime.ts";
import {
  FlushScheduler,
  type FrameBatch,
  joinFrames,
} from "../../realtime/delivery/frame-batch.ts";
import type { CloseReason } from "../../realtime/types.ts";
import { BURST_FACTOR, type OutgoingSink, type SinkListener } from "../../stream/sink.ts";
import { StreamHandover } from "./handover.ts";

const EMPTY = new Uint8Array();
const encoder = new TextEncoder();
const CRLF = encoder.encode("\r\n");

/** RFC 9112, "Chunked Transfer Coding". */
function toChunk(length: number, frames: readonly Uint8Array[]): Uint8Array {
  const head = encoder.encode(`${length.toString(16)}\r\n`);
  return joinFrames(head.length + length + CRLF.length, [head, ...frames, CRLF]);
}

/** Milliseconds that the connection of a stream that has ended stays open for another request. */
const ENDED_KEEP_ALIVE = 5000;

const flushScheduler = new FlushScheduler((run) => void setImmediate(run));

/**
 * Asks compressions that have replaced the response's methods to leave the stream alone. They hold back small writes until
 * they have a block to compress, and not all of them know `no-transform`.
 */
const UNCOMPRESSED = { "Content-Encoding": "identity" };

/**
 * A sink that writes to the connection itself as soon as the response's head and handshake are out, and lets go of Hono's
 * stream then. Where other code changes the bytes on their way, the sink stays on the stream.
 */
export const openNodeSink: NonNullable<Runtime["openSink"]> = (c, stream, owner) => {
  const outgoing = (c.env as { readonly outgoing?: ServerResponse } | undefined)?.outgoing;
  if (outgoing === undefined) return undefined;
  const isCompressed =
    outgoing.write !== ServerResponse.prototype.write && "chunkedEncoding" in outgoing;
  const sink = new NodeSocketSink(outgoing, owner, stream);
  return isCompressed ? { sink, headers: UNCOMPRESSED } : { sink };
};

class NodeSocketSink implements OutgoingSink {
  readonly #outgoing: ServerResponse;
  readonly #listener: SinkListener;
  /** Unset once everything that went through the stream is out: from then on nothing does. */
  #handover: StreamHandover | undefined;
  #socket: Socket | undefined;
  /** Given in this turn, and not written yet. */
  #pending: FrameBatch | undefined;
  #isClosed = false;
  /** Ends the wait for the response's end. */
  #resolveFinished: (() => void) | undefined;
  /** Something waited in the socket when that was looked at last. Looking costs, and mostly nothing does. */
  #hasBacklog = false;
  /** What waits in the socket is one frame, which has a right to go however large it is. */
  #isSingleFrame = false;
  #isChecking = false;
  #writes = 0;
  /** How much the client had taken when that was looked at last, and since when it has not been more. */
  #flushedBytes = -1;
  #lastProgressAt = 0;

  /** @param stream What the response's head and first frame go through. */
  constructor(outgoing: ServerResponse, owner: SinkListener, stream: SSEStreamingApi) {
    this.#outgoing = outgoing;
    this.#listener = owner;
    // Not the response's own method: some compressions replace it, and pass on no listener before the first write.
    EventEmitter.prototype.on.call(outgoing, "close", () => owner.onDisconnect());
    if (outgoing.destroyed || outgoing.closed) owner.onDisconnect();
    this.#handover = new StreamHandover(outgoing, owner, stream);
    this.#handover.watchResponse((writes) => {
      this.#handover = undefined;
      this.#socket = outgoing.socket ?? undefined;
      this.#writes = writes;
      owner.onDetached();
    });
  }

  get bufferedBytes(): number {
    if (this.#handover !== undefined) return this.#handover.bufferedBytes;
    return (this.#pending?.length ?? 0) + (this.#socket?.writableLength ?? 0);
  }

  get writes(): number {
    return this.#writes + (this.#handover?.sink.writes ?? 0);
  }

  get handshakeSent(): boolean {
    return this.#handover === undefined || this.#handover.handshakeSent;
  }

  get stalledFor(): number {
    if (this.#handover !== undefined) return this.#handover.sink.stalledFor;
    const socket = this.#socket;
    if (socket === undefined || socket.writableLength === 0) {
      this.#flushedBytes = -1;
      return 0;
    }
    const now = this.#listener.now();
    const taken = socket.bytesWritten - socket.writableLength;
    if (taken !== this.#flushedBytes) {
      this.#flushedBytes = taken;
      this.#lastProgressAt = now;
    }
    return now - this.#lastProgressAt;
  }

  write(frame: Uint8Array): boolean {
    if (this.#isClosed) return false;
    if (this.#handover !== undefined) return this.#handover.write(frame);
    if (this.#hasBacklog || this.#pending !== undefined) {
      // Looked at only where it may be more than nothing: with many messages in a turn this is most of what a frame costs.
      const inSocket = this.#hasBacklog ? (this.#socket?.writableLength ?? 0) : 0;
      const waiting = (this.#pending?.length ?? 0) + inSocket;
      // A single frame, however large, always goes to a client for which nothing waits.
      const isTooMuch = waiting + frame.length > this.#listener.maxBufferedBytes * BURST_FACTOR;
      if (isTooMuch && waiting > 0) return false;
    }
    this.#append(frame);
    return true;
  }

  onDrain(taken: () => void): void {
    if (this.#handover !== undefined) this.#handover.sink.onDrain(taken);
    else this.#whenDrained(() => !this.#isClosed && taken());
  }

  async finish(frame: Uint8Array | undefined): Promise<void> {
    const outgoing = this.#outgoing;
    if (this.#handover !== undefined) {
      await this.#handover.finish(frame);
      // The response ends when the stream of Hono's is let go of.
      this.#listener.onDetached();
    } else {
      if (frame !== undefined) this.#append(frame);
      await new Promise<void>((resolve) => this.#whenDrained(resolve));
      outgoing.end();
    }
    // The response's own last bytes may have to wait as well.
    if (!outgoing.closed) {
      await new Promise<void>((resolve) => {
        this.#resolveFinished = resolve;
        outgoing.once("close", resolve);
      });
    }
    // Few clients use the connection of a stream again, and one that reads nothing would keep it for the keep-alive time.
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
    // A response that waits behind another on its connection does not say that it is closed.
    this.#resolveFinished?.();
  }

  /** The end of a turn in which it was given something. */
  flush(): void {
    const given = this.#pending;
    const socket = this.#socket;
    if (given === undefined || socket === undefined) return;
    this.#pending = undefined;
    const isAlone = !this.#hasBacklog || socket.writableLength === 0;
    // True when the socket has taken all of it, or is about to.
    const chunk = given.bytes(toChunk);
    const isTaken = socket.write(chunk);
    this.#writes += 1;
    if (this.#writes === this.#listener.maxWrites) this.#listener.onWriteLimit();
    this.#hasBacklog = !isTaken || socket.writableLength > 0;
    if (!this.#hasBacklog) return;
    this.#isSingleFrame = given.count === 1 && isAlone;
    this.#reportQueued(socket, chunk);
    if (socket.writableLength > this.#listener.maxBufferedBytes) this.#checkNextTurn();
  }

  #reportQueued(socket: Socket, chunk: Uint8Array): void {
    // Of an empty write Node says when everything before it has been taken, or the socket is gone.
    socket.write(EMPTY, () => this.#listener.onWritten(chunk));
    this.#listener.onQueued(chunk);
  }

  #append(frame: Uint8Array): void {
    if (this.#pending === undefined) {
      this.#pending = flushScheduler.emptyBatch.append(frame);
      flushScheduler.add(this);
    } else {
      this.#pending = this.#pending.append(frame);
    }
    if (flushScheduler.isFull) flushScheduler.flush();
  }

  #whenDrained(tell: () => void): void {
    this.flush();
    const socket = this.#socket;
    if (socket === undefined || socket.writableLength === 0 || socket.destroyed) tell();
    else socket.write(EMPTY, () => tell());
  }

  #checkNextTurn(): void {
    if (this.#isChecking) return;
    this.#isChecking = true;
    setTimeout(() => {
      this.#isChecking = false;
      const waiting = this.#socket?.writableLength ?? 0;
      const isOver = waiting > this.#listener.maxBufferedBytes && !this.#isSingleFrame;
      if (isOver && !this.#isClosed) this.#listener.onOverflow();
    });
  }
}
