/**
 * Frames on their way to a client's connection on Node, past the web streams: most of what a delivery costs through
 * `streamSSE` is spent between its TransformStream and the socket (docs/performance.md).
 */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Runtime } from "./api/peer.ts";
import { BURST, type OutgoingSink, type SinkOwner, StreamSink } from "./api/sink.ts";
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
 * A sink that writes to the connection itself as soon as the response's head and first frame are out, and lets go of the
 * stream then. Where that can't be (HTTP/1.0, HTTP/2, somebody between who changes the bytes) it stays on the stream.
 */
export const openNodeSink: NonNullable<Runtime["openSink"]> = (c, _, owner) => {
  const { outgoing } = c.env as { readonly outgoing?: ServerResponse };
  if (outgoing?.req?.httpVersion !== "1.1" || !("chunkedEncoding" in outgoing)) return undefined;
  return new ConnectionSink(outgoing, owner);
};

class ConnectionSink implements OutgoingSink {
  readonly closed: Promise<CloseReason>;
  readonly #outgoing: ServerResponse;
  readonly #owner: SinkOwner;
  #settle: ((reason: CloseReason) => void) | undefined;
  /** Takes what comes before the connection can be written to. */
  #stream: StreamSink | undefined;
  /** Set once everything that went through the stream is out: from then on nothing does. */
  #socket: Socket | undefined;
  /** Given in this turn, and not written yet. */
  #given: FrameRun | undefined;
  /** Something waited in the socket when that was looked at last. Looking costs, and mostly nothing does. */
  #isWaiting = false;
  /** What waits in the socket is one frame, which has a right to go however large it is. */
  #isOneFrame = false;
  #isChecking = false;
  #writes = 0;
  /** How much the client had taken when that was looked at last, and since when it has not been more. */
  #taken = -1;
  #takenAt = 0;

  constructor(outgoing: ServerResponse, owner: SinkOwner) {
    this.#outgoing = outgoing;
    this.#owner = owner;
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#stream = new StreamSink(owner);
    outgoing.once("close", () => owner.onGone());
    if (outgoing.destroyed || outgoing.closed) owner.onGone();
    this.#watch();
  }

  get bufferedBytes(): number {
    if (this.#socket === undefined) return this.#stream?.bufferedBytes ?? 0;
    return (this.#given?.length ?? 0) + this.#socket.writableLength;
  }

  get writes(): number {
    return this.#writes + (this.#stream?.writes ?? 0);
  }

  get stalledFor(): number {
    const socket = this.#socket;
    if (socket === undefined) return this.#stream?.stalledFor ?? 0;
    if (socket.writableLength === 0) {
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
    if (this.#settle === undefined) return false;
    const socket = this.#socket;
    if (socket === undefined) return this.#stream?.write(frame) ?? false;
    if (this.#isWaiting || this.#given !== undefined) {
      const waiting = this.bufferedBytes;
      // A single frame, however large, always goes to a client for which nothing waits.
      const isTooMuch = waiting + frame.length > this.#owner.maxBufferedBytes * BURST;
      if (isTooMuch && waiting > 0) return false;
    }
    this.#give(frame);
    return true;
  }

  drained(taken: () => void): void {
    if (this.#socket === undefined) this.#stream?.drained(taken);
    else this.#whenTaken(() => this.#settle !== undefined && taken());
  }

  async finish(frame: Uint8Array | undefined): Promise<void> {
    if (this.#socket === undefined) return this.#stream?.finish(frame);
    if (frame !== undefined) this.#give(frame);
    await new Promise<void>((resolve) => this.#whenTaken(resolve));
    this.#outgoing.end();
  }

  close(reason: CloseReason): void {
    this.#stream?.close(reason);
    this.#settle?.(reason);
    this.#settle = undefined;
  }

  cut(): void {
    this.#given = undefined;
    this.#stream?.cut();
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
      if (isOver && this.#settle !== undefined) this.#owner.onOverflow();
    });
  }

  /**
   * Counts what comes out of the stream until that is all that was put into it. That first write comes after the head,
   * and on a connection with several requests after the responses before it.
   */
  #watch(): void {
    const outgoing = this.#outgoing;
    const stream = this.#stream as StreamSink;
    const { write } = outgoing;
    let out = 0;
    let writes = 0;
    outgoing.write = ((chunk: Uint8Array, ...rest: []) => {
      // Somebody between us and the connection makes other bytes of ours: a compression.
      const isOurs = out > 0 || chunk === stream.first;
      const taken = Reflect.apply(write, outgoing, [chunk, ...rest]);
      out += chunk.length;
      writes += 1;
      if (isOurs && out < stream.accepted) return taken;
      outgoing.write = write;
      const { socket, chunkedEncoding } = outgoing;
      if (isOurs && chunkedEncoding && socket !== null) this.#begin(socket, writes);
      return taken;
    }) as typeof write;
  }

  #begin(socket: Socket, writes: number): void {
    const outgoing = this.#outgoing;
    this.#socket = socket;
    this.#writes = writes;
    this.#stream = undefined;
    // The stream's end is not the response's any more: whoever copies one to the other is told that it is done.
    const { end } = outgoing;
    outgoing.end = (() => {
      outgoing.end = end;
      return outgoing;
    }) as typeof end;
    this.#owner.onIndependent();
  }
}
