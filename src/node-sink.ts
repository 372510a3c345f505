/**
 * Frames on their way to a client's connection on Node, past the web streams: most of what a delivery costs through
 * `streamSSE` is spent between its TransformStream and the socket (docs/performance.md).
 */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Context } from "hono";
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

/** The response, where its connection can be written to: not HTTP/1.0, which has no chunks, and not HTTP/2. */
function outgoingOf(c: Context): ServerResponse | undefined {
  const { outgoing } = c.env as { readonly outgoing?: ServerResponse };
  const isPlain = outgoing?.req?.httpVersion === "1.1" && "chunkedEncoding" in outgoing;
  return isPlain ? outgoing : undefined;
}

/**
 * A sink that writes to the connection itself as soon as the response's head and first frame are out, and lets go of the
 * stream then. Where somebody between changes the bytes, a compression for example, it stays on the stream.
 */
export const openNodeSink: NonNullable<Runtime["openSink"]> = (c, stream, owner) => {
  const outgoing = outgoingOf(c);
  return outgoing && { sink: new ConnectionSink(outgoing, owner, stream) };
};

/** Takes what comes before the connection can be written to. */
class Handover {
  readonly sink: StreamSink;
  readonly #outgoing: ServerResponse;
  /** Bytes given to the stream. */
  #accepted = 0;
  #first: Uint8Array | undefined;
  #isEnding = false;

  constructor(outgoing: ServerResponse, owner: SinkOwner, stream: SSEStreamingApi) {
    this.#outgoing = outgoing;
    this.sink = new StreamSink(owner, writeTo(stream));
  }

  note(frame: Uint8Array): void {
    this.#first ??= frame;
    this.#accepted += frame.length;
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
    let out = 0;
    let writes = 0;
    outgoing.write = ((chunk: Uint8Array, ...rest: []) => {
      // Somebody between us and the connection makes other bytes of ours: a compression.
      const isOurs = out > 0 || chunk === this.#first;
      const taken = Reflect.apply(write, outgoing, [chunk, ...rest]);
      out += chunk.length;
      writes += 1;
      if (isOurs && out < this.#accepted && !this.#isEnding) return taken;
      outgoing.write = write;
      if (!isOurs || this.#isEnding || !outgoing.chunkedEncoding || outgoing.socket === null)
        return taken;
      // The stream's end is not the response's any more: whoever copies one to the other is told that it is done.
      const { end } = outgoing;
      outgoing.end = (() => {
        outgoing.end = end;
        return outgoing;
      }) as typeof end;
      begin(writes);
      return taken;
    }) as typeof write;
  }
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
    outgoing.on("close", () => owner.onGone());
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
    if (this.#handover !== undefined) return this.#handover.sink.bufferedBytes;
    return (this.#given?.length ?? 0) + (this.#socket?.writableLength ?? 0);
  }

  get writes(): number {
    return this.#writes + (this.#handover?.sink.writes ?? 0);
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
    if (this.#handover !== undefined) {
      this.#handover.note(frame);
      return this.#handover.sink.write(frame);
    }
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
