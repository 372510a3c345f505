import type { SSEStreamingApi } from "hono/streaming";
import type { SinkListener } from "./sink.ts";

/**
 * Passes the handshake through Hono's stream, and then detaches from that stream: the sink writes all later chunks to a
 * response body of its own.
 */
export class HandshakeRelay {
  readonly #stream: SSEStreamingApi;
  readonly #listener: SinkListener;

  constructor(stream: SSEStreamingApi, listener: SinkListener) {
    this.#stream = stream;
    this.#listener = listener;
  }

  /** Writes the chunk to Hono's stream. Resolves with the chunk that comes out of the stream. */
  async pass(chunk: Uint8Array): Promise<Uint8Array> {
    void this.#stream.write(chunk);
    // streamSSE makes a Response of the stream right after its callback (hono 4.13), and throws if the stream is locked by
    // then. The callback calls this method, so the stream must not be read before the next microtask.
    await undefined;
    const reader = this.#stream.responseReadable.getReader();
    const { value } = await reader.read();
    reader.releaseLock();
    this.#listener.onDetached();
    return value ?? chunk;
  }
}
