import type { SSEStreamingApi } from "hono/streaming";
import type { SinkListener } from "./sink.ts";

/** A response's first chunk, by way of a stream of Hono's, for sinks that go on without it. */
export class HandshakeRelay {
  readonly #stream: SSEStreamingApi;
  readonly #owner: SinkListener;

  constructor(stream: SSEStreamingApi, owner: SinkListener) {
    this.#stream = stream;
    this.#owner = owner;
  }

  /** What has come out of the stream, which is let go of then. */
  async pass(chunk: Uint8Array): Promise<Uint8Array> {
    void this.#stream.write(chunk);
    // streamSSE makes a response of it when the handler's first steps are done, which can't be while it is being read.
    await undefined;
    const reader = this.#stream.responseReadable.getReader();
    const { value } = await reader.read();
    reader.releaseLock();
    this.#owner.onDetached();
    return value ?? chunk;
  }
}
