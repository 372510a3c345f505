/**
 * The sink on Workers. It writes to an IdentityTransformStream. Only the handshake passes through Hono's stream first. An
 * IdentityTransformStream is native code of workerd, so a delivery takes less CPU time than through Hono's TransformStream.
 */
import type { Context } from "hono";
import type { SSEStreamingApi } from "hono/streaming";
import type { OpenedSink } from "../../api/runtime.ts";
import { BufferedSink } from "../../stream/buffered-sink.ts";
import { HandshakeRelay } from "../../stream/handshake-relay.ts";
import type { ChunkWriter, SinkListener, WriteCallback } from "../../stream/sink.ts";

/** Opens a sink that detaches from Hono's stream after it has read the handshake from this stream. */
export function openWorkerSink(
  c: Context,
  stream: SSEStreamingApi,
  listener: SinkListener,
): OpenedSink {
  const { readable, writable } = new IdentityTransformStream();
  const { signal } = c.req.raw;
  signal.addEventListener("abort", () => listener.onDisconnect());
  if (signal.aborted) listener.onDisconnect();
  const writer = new IdentityWriter(writable, listener, new HandshakeRelay(stream, listener));
  return { sink: new BufferedSink(listener, writer), body: readable };
}

/** Writes to an IdentityTransformStream. A write settles when the stream's reader has read the chunk. */
class IdentityWriter implements ChunkWriter {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  /** Undefined from the first `write` on, because the first chunk is the handshake. */
  #handshakeRelay: HandshakeRelay | undefined;

  constructor(writable: WritableStream, listener: SinkListener, handshakeRelay: HandshakeRelay) {
    this.#writer = writable.getWriter();
    this.#handshakeRelay = handshakeRelay;
    this.#writer.closed.catch(() => listener.onDisconnect());
  }

  write(chunk: Uint8Array, sink: WriteCallback): void {
    const relay = this.#handshakeRelay;
    this.#handshakeRelay = undefined;
    const written =
      relay === undefined
        ? this.#writer.write(chunk)
        : relay.pass(chunk).then((passed) => this.#writer.write(passed));
    written.then(
      () => sink.done(),
      () => sink.done(true),
    );
  }

  end(): void {
    // Rejects if the client has disconnected.
    this.#writer.close().catch(() => {});
  }

  destroy(): void {
    // Rejects if the stream has already failed.
    this.#writer.abort().catch(() => {});
  }
}
