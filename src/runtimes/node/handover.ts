/** How a stream on Node goes from Hono's stream, which brings the response's head, to the connection itself. */
import { ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { SSEStreamingApi } from "hono/streaming";
import {
  BURST_FACTOR,
  BufferedSink,
  createHonoWriter,
  type SinkListener,
} from "../../stream/sink.ts";

/**
 * Whether the sink may write to the connection itself. It may not where other code has replaced one of the response's
 * methods (a compression): that code would not see the bytes. HTTP/1.0 has no chunks, and HTTP/2 frames them itself.
 */
function canWriteToSocket(
  outgoing: ServerResponse,
  write = ServerResponse.prototype.write,
): boolean {
  return (
    outgoing.req?.httpVersion === "1.1" &&
    outgoing.write === write &&
    outgoing.end === ServerResponse.prototype.end
  );
}

/** Calls `note` when other code sends the body through a stream of its own, which may change any of the bytes. */
function onBodyPiped(body: ReadableStream, note: () => void): void {
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
  readonly #listener: SinkListener;
  /** Bytes given to the stream, and in how many frames. */
  #acceptedBytes = 0;
  #frames = 0;
  #firstFrame: Uint8Array | undefined;
  /** Bytes that have come out of the stream. */
  #writtenBytes = 0;
  #canTakeOver: boolean;
  #isEnding = false;
  #isChecking = false;

  constructor(outgoing: ServerResponse, owner: SinkListener, stream: SSEStreamingApi) {
    this.#outgoing = outgoing;
    this.#listener = owner;
    this.#canTakeOver = canWriteToSocket(outgoing);
    this.sink = new BufferedSink(owner, createHonoWriter(stream));
    if (!this.#canTakeOver) return;
    onBodyPiped(stream.responseReadable, () => {
      this.#canTakeOver = false;
    });
  }

  /** The head and the handshake are out. Behind another response on the connection (pipelining) they have no socket yet. */
  get handshakeSent(): boolean {
    const { headersSent, socket } = this.#outgoing;
    return this.#writtenBytes > 0 && headersSent && socket !== null;
  }

  /** Until the head has left, everything waits, also what other code has read: middleware may read and send nothing. */
  get bufferedBytes(): number {
    return this.handshakeSent ? this.sink.bufferedBytes : this.#acceptedBytes;
  }

  write(frame: Uint8Array): boolean {
    this.#firstFrame ??= frame;
    if (!this.handshakeSent && this.#frames > 1) {
      const { maxBufferedBytes } = this.#listener;
      if (this.#acceptedBytes + frame.length > maxBufferedBytes * BURST_FACTOR) return false;
      if (this.#acceptedBytes + frame.length > maxBufferedBytes) this.#checkNextTurn();
    }
    this.#acceptedBytes += frame.length;
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
  watchResponse(begin: (writes: number) => void): void {
    const outgoing = this.#outgoing;
    const { write } = outgoing;
    let writes = 0;
    const watched = ((chunk: Uint8Array, ...rest: []) => {
      // Other code has made other bytes of ours: a compression.
      if (this.#writtenBytes === 0 && chunk !== this.#firstFrame) this.#canTakeOver = false;
      const taken = Reflect.apply(write, outgoing, [chunk, ...rest]);
      this.#writtenBytes += chunk.length;
      writes += 1;
      const isWaiting = this.#canTakeOver && !this.#isEnding;
      if (isWaiting && this.#writtenBytes < this.#acceptedBytes) return taken;
      const isFree = isWaiting && this.#isSocketFree(watched);
      if (outgoing.write === watched) outgoing.write = write;
      if (isFree) {
        ignoreNextEnd(outgoing);
        begin(writes);
      }
      return taken;
    }) as typeof write;
    outgoing.write = watched;
  }

  /** Nothing has come between the sink and the connection since the stream was opened. */
  #isSocketFree(write: ServerResponse["write"]): boolean {
    const { chunkedEncoding, socket } = this.#outgoing;
    return canWriteToSocket(this.#outgoing, write) && chunkedEncoding && socket instanceof Socket;
  }

  #checkNextTurn(): void {
    if (this.#isChecking) return;
    this.#isChecking = true;
    setTimeout(() => {
      this.#isChecking = false;
      if (!this.handshakeSent && this.#acceptedBytes > this.#listener.maxBufferedBytes)
        this.#listener.onOverflow();
    });
  }
}

/** Ignores the next `end`: node-server calls it when Hono's stream ends, which is not the end of the response any more. */
function ignoreNextEnd(outgoing: ServerResponse): void {
  const { end } = outgoing;
  outgoing.end = (() => {
    outgoing.end = end;
    return outgoing;
  }) as typeof end;
}
