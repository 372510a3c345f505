/** How a stream on Node goes from Hono's stream, which brings the response's head, to the connection itself. */
import { ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { SSEStreamingApi } from "hono/streaming";
import { BURST_FACTOR, BufferedSink, type SinkListener, writeTo } from "../../stream/sink.ts";

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
export class StreamHandover {
  readonly sink: BufferedSink;
  readonly #outgoing: ServerResponse;
  readonly #owner: SinkListener;
  /** Bytes given to the stream, and in how many frames. */
  #accepted = 0;
  #frames = 0;
  #first: Uint8Array | undefined;
  /** Bytes that have come out of the stream. */
  #out = 0;
  #mayTakeOver: boolean;
  #isEnding = false;
  #isChecking = false;

  constructor(outgoing: ServerResponse, owner: SinkListener, stream: SSEStreamingApi) {
    this.#outgoing = outgoing;
    this.#owner = owner;
    this.#mayTakeOver = isPlain(outgoing);
    this.sink = new BufferedSink(owner, writeTo(stream));
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
      if (this.#accepted + frame.length > maxBufferedBytes * BURST_FACTOR) return false;
      if (this.#accepted + frame.length > maxBufferedBytes) this.#checkNextTurn();
    }
    this.#accepted += frame.length;
    this.#frames += 1;
    return this.sink.write(frame);
  }

  /** Writes the last frame through Hono's stream. The end of that stream ends the response. */
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
