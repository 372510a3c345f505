import type { SSEStreamingApi } from "hono/streaming";
import type { SinkListener } from "./sink.ts";

/**
 * Passes the handshake (the first chunk of a stream) through Hono's stream, and then detaches from this stream. The sink writes
 * the handshake and all later chunks to its own response body.
 */
export class HandshakeRelay {
  readonly #stream: SSEStreamingApi;
  readonly #listener: SinkListener;

  constructor(stream: SSEStreamingApi, listener: SinkListener) {
    this.#stream = stream;
    this.#listener = listener;
  }

  /** Writes a chunk to Hono's stream. Resolves with the chunk that is read from the stream. */
  async pass(chunk: Uint8Array): Promise<Uint8Array> {
    void this.#stream.write(chunk);
    // `streamSSE` creates a Response from the stream immediately after its callback (hono 4.13), and throws if the stream is
    // locked. The callback calls this method, so the stream must not be read before the next microtask.
    await undefined;
    const reader = this.#stream.responseReadable.getReader();
    const { value } = await reader.read();
    reader.releaseLock();
    this.#listener.onDetached();
    return value ?? chunk;
  }
}
