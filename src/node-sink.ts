/**
 * Frames on their way to a client's connection on Node, past the web streams: most of what a delivery costs through
 * `streamSSE` is spent between its TransformStream and the socket (docs/performance.md).
 */
import { EventEmitter } from "node:events";
import { ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { SSEStreamingApi } from "hono/streaming";
import type { Runtime } from "./api/peer.ts";
import { BURST, type OutgoingSink, type SinkOwner, StreamSink, writeTo } from "./api/sink.ts";
import { type FrameRun, joinFrames, Turn } from "./realtime/frame-runs.ts";
import type { CloseReason } from "./realtime/types.ts";

const EMPTY = new Uint8Array();
const encoder = new TextEncoder();
const CRLF = encoder.encode("\r\n");

/** RFC 9112, "Chunked Transfer Coding". */
function toChunk(length: number, frames: readonly Uint8Array[]): Uint8Array {
  const head = encoder.encode(`${length.toString(16)}\r\n`);
  return joinFrames(head.length + length + CRLF.length, [head, ...frames, CRLF]);
}

const turn = new Turn((run) => void setImmediate(run));

/**
 * Whether the sink may write to the connection itself. It may not where other code has replaced one of the response's
 * methods (a compression): that code would not see the bytes. HTTP/1.0 has no chunks, and HTTP/2 frames them itself.
 */
function isPlain(outgoing: ServerResponse, write = ServerResponse.prototype.write): boolean {
  return (
    outgoing.req?.httpVersion === "1.1" &&
    outgoing.write === write &&
    outgoing.end === ServerResponse.prototype.end
  );
}

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
  const { outgoing } = c.env as { readonly outgoing?: ServerResponse };
  if (outgoing === undefined) return undefined;
  const isCompressed =
    outgoing.write !== ServerResponse.prototype.write && "chunkedEncoding" in outgoing;
  const sink = new ConnectionSink(outgoing, owner, stream);
  return isCompressed ? { sink, headers: UNCOMPRESSED } : { sink };
};

/** Calls `note` when other code sends the body through a stream of its own, which may change any of the bytes. */
function whenPiped(body: ReadableStream, note: () => void): void {
  for (const name of ["pipeThrough", "pipeTo", "tee"] as const) {
    const value = (...args: []) => {
      note();
      return Reflect.apply(ReadableStream.prototype[name], body, args);
    };
    Object.defineProperty(body, name, { value });
  }
}

/** Takes what comes before the connection can be written to. */
class Handover {
  readonly sink: StreamSink;
  readonly #outgoing: ServerResponse;
  readonly #owner: SinkOwner;
  /** Bytes given to the stream, and in how many frames. */
  #accepted = 0;
  #frames = 0;
  #first: Uint8Array | undefined;
  /** Bytes that have come out of the stream. */
  #out = 0;
  #mayTakeOver: boolean;
  #isEnding = false;
  #isChecking = false;

  constructor(outgoing: ServerResponse, owner: SinkOwner, stream: SSEStreamingApi) {
    this.#outgoing = outgoing;
    this.#owner = owner;
    this.#mayTakeOver = isPlain(outgoing);
    this.sink = new StreamSink(owner, writeTo(stream));
    if (!this.#mayTakeOver) return;
    whenPiped(stream.responseReadable, () => {
      this.#mayTakeOver = false;
    });
  }

  /** The head and the handshake are out. Behind another response on the connection (pipelining) they have no socket yet. */
  get hasLeft(): boolean {
    const { headersSent, socket } = this.#outgoing;
    return this.#out > 0 && headersSent && socket !== null;
  }

  /** Until the head has left, everything waits, also what other code has read: middleware may read and send nothing. */
  get bufferedBytes(): number {
    return this.hasLeft ? this.sink.bufferedBytes : this.#accepted;
  }

  write(frame: Uint8Array): boolean {
    this.#first ??= frame;
    if (!this.hasLeft && this.#frames > 1) {
      const { maxBufferedBytes } = this.#owner;
      if (this.#accepted + frame.length > maxBufferedBytes * BURST) return false;
      if (this.#accepted + frame.length > maxBufferedBytes) this.#checkNextTurn();
    }
    this.#accepted += frame.length;
    this.#frames += 1;
    return this.sink.write(frame);
  }

  /** All of it goes through the stream, whose end is the response's. */
  finish(frame: Uint8Array | undefined): Promise<void> {
    this.#isEnding = true;
    return this.sink.finish(frame);
  }

  /**
   * Counts what comes out of the stream until that is all that was put into it. That first write comes after the head,
   * and on a connection with several requests after the responses before it.
   *
   * @param begin The connection is free, after so many writes.
   */
  watch(begin: (writes: number) => void): void {
    const outgoing = this.#outgoing;
    const { write } = outgoing;
    let writes = 0;
    const watched = ((chunk: Uint8Array, ...rest: []) => {
      // Other code has made other bytes of ours: a compression.
      if (this.#out === 0 && chunk !== this.#first) this.#mayTakeOver = false;
      const taken = Reflect.apply(write, outgoing, [chunk, ...rest]);
      this.#out += chunk.length;
      writes += 1;
      const isWaiting = this.#mayTakeOver && !this.#isEnding;
      if (isWaiting && this.#out < this.#accepted) return taken;
      const isFree = isWaiting && this.#isFree(watched);
      if (outgoing.write === watched) outgoing.write = write;
      if (isFree) {
        detachEnd(outgoing);
        begin(writes);
      }
      return taken;
    }) as typeof write;
    outgoing.write = watched;
  }

  /** Nothing has come between the sink and the connection since the stream was opened. */
  #isFree(write: ServerResponse["write"]): boolean {
    const { chunkedEncoding, socket } = this.#outgoing;
    return isPlain(this.#outgoing, write) && chunkedEncoding && socket instanceof Socket;
  }

  #checkNextTurn(): void {
    if (this.#isChecking) return;
    this.#isChecking = true;
    setTimeout(() => {
      this.#isChecking = false;
      if (!this.hasLeft && this.#accepted > this.#owner.maxBufferedBytes) this.#owner.onOverflow();
    });
  }
}

/** Ignores the next `end`: node-server calls it when Hono's stream ends, which is not the end of the response any more. */
function detachEnd(outgoing: ServerResponse): void {
  const { end } = outgoing;
  outgoing.end = (() => {
    outgoing.end = end;
    return outgoing;
  }) as typeof end;
}

class ConnectionSink implements OutgoingSink {
  readonly #outgoing: ServerResponse;
  readonly #owner: SinkOwner;
  /** Unset once everything that went through the stream is out: from then on nothing does. */
  #handover: Handover | undefined;
  #socket: Socket | undefined;
  /** Given in this turn, and not written yet. */
  #given: FrameRun | undefined;
  #isClosed = false;
  /** Something waited in the socket when that was looked at last. Looking costs, and mostly nothing does. */
  #isWaiting = false;
  /** What waits in the socket is one frame, which has a right to go however large it is. */
  #isOneFrame = false;
  #isChecking = false;
  #writes = 0;
  /** How much the client had taken when that was looked at last, and since when it has not been more. */
  #taken = -1;
  #takenAt = 0;

  /** @param stream What the response's head and first frame go through. */
  constructor(outgoing: ServerResponse, owner: SinkOwner, stream: SSEStreamingApi) {
    this.#outgoing = outgoing;
    this.#owner = owner;
    // Not the response's own method: some compressions replace it, and pass on no listener before the first write.
    EventEmitter.prototype.on.call(outgoing, "close", () => owner.onGone());
    if (outgoing.destroyed || outgoing.closed) owner.onGone();
    this.#handover = new Handover(outgoing, owner, stream);
    this.#handover.watch((writes) => {
      this.#handover = undefined;
      this.#socket = outgoing.socket ?? undefined;
      this.#writes = writes;
      owner.onIndependent();
    });
  }

  get bufferedBytes(): number {
    if (this.#handover !== undefined) return this.#handover.bufferedBytes;
    return (this.#given?.length ?? 0) + (this.#socket?.writableLength ?? 0);
  }

  get writes(): number {
    return this.#writes + (this.#handover?.sink.writes ?? 0);
  }

  get hasLeft(): boolean {
    return this.#handover === undefined || this.#handover.hasLeft;
  }

  get stalledFor(): number {
    if (this.#handover !== undefined) return this.#handover.sink.stalledFor;
    const socket = this.#socket;
    if (socket === undefined || socket.writableLength === 0) {
      this.#taken = -1;
      return 0;
    }
    const now = this.#owner.now();
    const taken = socket.bytesWritten - socket.writableLength;
    if (taken !== this.#taken) {
      this.#taken = taken;
      this.#takenAt = now;
    }
    return now - this.#takenAt;
  }

  write(frame: Uint8Array): boolean {
    if (this.#isClosed) return false;
    if (this.#handover !== undefined) return this.#handover.write(frame);
    if (this.#isWaiting || this.#given !== undefined) {
      // Looked at only where it may be more than nothing: with many messages in a turn this is most of what a frame costs.
      const inSocket = this.#isWaiting ? (this.#socket?.writableLength ?? 0) : 0;
      const waiting = (this.#given?.length ?? 0) + inSocket;
      // A single frame, however large, always goes to a client for which nothing waits.
      const isTooMuch = waiting + frame.length > this.#owner.maxBufferedBytes * BURST;
      if (isTooMuch && waiting > 0) return false;
    }
    this.#give(frame);
    return true;
  }

  drained(taken: () => void): void {
    if (this.#handover !== undefined) this.#handover.sink.drained(taken);
    else this.#whenTaken(() => !this.#isClosed && taken());
  }

  async finish(frame: Uint8Array | undefined): Promise<void> {
    if (this.#handover !== undefined) return this.#handover.finish(frame);
    if (frame !== undefined) this.#give(frame);
    await new Promise<void>((resolve) => this.#whenTaken(resolve));
    this.#outgoing.end();
  }

  close(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#owner.onClosed(reason);
  }

  cut(): void {
    this.#given = undefined;
    this.#handover?.sink.cut();
    this.#outgoing.destroy();
  }

  /** The end of a turn in which it was given something. */
  flush(): void {
    const given = this.#given;
    const socket = this.#socket;
    if (given === undefined || socket === undefined) return;
    this.#given = undefined;
    const isAlone = !this.#isWaiting || socket.writableLength === 0;
    // True when the socket has taken all of it, or is about to.
    const isTaken = socket.write(given.bytes(toChunk));
    this.#writes += 1;
    if (this.#writes === this.#owner.maxWrites) this.#owner.onSpent();
    this.#isWaiting = !isTaken || socket.writableLength > 0;
    if (!this.#isWaiting) return;
    this.#isOneFrame = given.count === 1 && isAlone;
    if (socket.writableLength > this.#owner.maxBufferedBytes) this.#checkNextTurn();
  }

  #give(frame: Uint8Array): void {
    if (this.#given === undefined) {
      this.#given = turn.start.with(frame);
      turn.add(this);
    } else {
      this.#given = this.#given.with(frame);
    }
  }

  #whenTaken(tell: () => void): void {
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
      const isOver = waiting > this.#owner.maxBufferedBytes && !this.#isOneFrame;
      if (isOver && !this.#isClosed) this.#owner.onOverflow();
    });
  }
}
