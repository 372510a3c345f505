/** The start of a stream on Node: the first frames go through Hono's stream, and later frames directly to the socket. */
import { ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { SSEStreamingApi } from "hono/streaming";
import type { Bytes } from "../../realtime/units.ts";
import { BufferedSink } from "../../stream/buffered-sink.ts";
import { createHonoWriter } from "../../stream/hono-sink.ts";
import { type BoundedQueue, checkNextTurn, fitsBurst } from "../../stream/overflow.ts";
import type { SinkListener } from "../../stream/sink.ts";

/** Before the handshake is sent, this many frames of any size are accepted: the handshake and one further frame. */
const UNLIMITED_FRAMES = 2;

/**
 * The sink of a stream until the response head, and all bytes that were written to Hono's stream, have reached the socket.
 * The head goes through Hono's stream, so that middleware works as usual, and so that Node can queue the response after earlier
 * responses on its connection (pipelining).
 */
export class StreamHandover implements BoundedQueue {
  readonly sink: BufferedSink;
  readonly #outgoing: ServerResponse;
  readonly #listener: SinkListener;
  /** Bytes written to Hono's stream. */
  #acceptedBytes: Bytes = 0;
  #frames = 0;
  #firstFrame: Uint8Array | undefined;
  /** Bytes that @hono/node-server has read from Hono's stream and written to the response. */
  #writtenBytes: Bytes = 0;
  #canTakeOver: boolean;
  #isEnding = false;

  constructor(outgoing: ServerResponse, listener: SinkListener, stream: SSEStreamingApi) {
    this.#outgoing = outgoing;
    this.#listener = listener;
    this.#canTakeOver = canWriteToSocket(outgoing);
    this.sink = new BufferedSink(listener, createHonoWriter(stream));
    if (!this.#canTakeOver) return;
    onBodyPiped(stream.responseReadable, () => {
      this.#canTakeOver = false;
    });
  }

  /** Checks the socket as well: a response that is queued after another on its connection has no socket yet. */
  get handshakeSent(): boolean {
    const { headersSent, socket } = this.#outgoing;
    return this.#writtenBytes > 0 && headersSent && socket !== null;
  }

  /**
   * Until the handshake is sent, all accepted bytes count as waiting, including the bytes that were read from Hono's stream:
   * middleware may read the stream and send nothing.
   */
  get bufferedBytes(): Bytes {
    return this.handshakeSent ? this.sink.bufferedBytes : this.#acceptedBytes;
  }

  write(frame: Uint8Array): boolean {
    this.#firstFrame ??= frame;
    if (!this.handshakeSent && this.#frames >= UNLIMITED_FRAMES) {
      const { maxBufferedBytes } = this.#listener;
      if (!fitsBurst(this.#acceptedBytes, frame.length, maxBufferedBytes)) return false;
      if (this.#acceptedBytes + frame.length > maxBufferedBytes)
        checkNextTurn(this, this.#listener);
    }
    this.#acceptedBytes += frame.length;
    this.#frames += 1;
    return this.sink.write(frame);
  }

  isOverLimit(): boolean {
    return !this.handshakeSent && this.#acceptedBytes > this.#listener.maxBufferedBytes;
  }

  /** Writes the last frame to Hono's stream. The end of that stream ends the response. */
  finish(frame: Uint8Array | undefined): Promise<void> {
    this.#isEnding = true;
    return this.sink.finish(frame);
  }

  /**
   * Counts the bytes that @hono/node-server writes to the response, until all bytes from Hono's stream are written. From
   * then on, frames can be written to the socket directly.
   *
   * @param onSocketFree Called at most once, at that time, with the number of writes to the response. Not called if the
   *   connection can't be taken over (for example because other code may change the bytes, or because the response has no chunked
   *   encoding), or if the stream ends first. All bytes then go through Hono's stream.
   */
  watchResponse(onSocketFree: (writes: number) => void): void {
    const outgoing = this.#outgoing;
    const { write } = outgoing;
    let writes = 0;
    // The cast: a function with one signature does not have the type of the overloaded `write`.
    const countingWrite = ((chunk: Uint8Array, ...rest: []) => {
      // A different chunk means that other code, such as compression middleware, has replaced the bytes.
      if (this.#writtenBytes === 0 && chunk !== this.#firstFrame) this.#canTakeOver = false;
      const result = Reflect.apply(write, outgoing, [chunk, ...rest]);
      this.#writtenBytes += chunk.length;
      writes += 1;
      const mayTakeOver = this.#canTakeOver && !this.#isEnding;
      if (mayTakeOver && this.#writtenBytes < this.#acceptedBytes) return result;
      const isFree = mayTakeOver && this.#isSocketFree(countingWrite);
      if (outgoing.write === countingWrite) outgoing.write = write;
      if (isFree) {
        ignoreNextEnd(outgoing);
        onSocketFree(writes);
      }
      return result;
    }) as typeof write;
    outgoing.write = countingWrite;
  }

  /** @param write The method that `watchResponse` has set. If the response has another one, other code has replaced it. */
  #isSocketFree(write: ServerResponse["write"]): boolean {
    const { chunkedEncoding, socket } = this.#outgoing;
    return canWriteToSocket(this.#outgoing, write) && chunkedEncoding && socket instanceof Socket;
  }
}

/**
 * Whether a sink may write to the response's socket. If other code has replaced a method of the response, as compression
 * middleware does, that code would not see the bytes. HTTP/1.0 has no chunked encoding, and HTTP/2 has its own frames.
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

/** Calls `listener` when other code pipes the body to another stream, which may change the bytes. */
function onBodyPiped(body: ReadableStream, listener: () => void): void {
  for (const name of ["pipeThrough", "pipeTo", "tee"] as const) {
    const value = (...args: []) => {
      listener();
      return Reflect.apply(ReadableStream.prototype[name], body, args);
    };
    Object.defineProperty(body, name, { value });
  }
}

/**
 * Ignores the next call of `end`. @hono/node-server 2.1 calls `end` when Hono's stream ends, but the response must continue.
 */
function ignoreNextEnd(outgoing: ServerResponse): void {
  const { end } = outgoing;
  // The cast: a function without parameters does not have the type of the overloaded `end`.
  outgoing.end = (() => {
    outgoing.end = end;
    return outgoing;
  }) as typeof end;
}
