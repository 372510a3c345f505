/**
 * Frames on their way to a client on Workers, past the two streams in JavaScript that Hono's are: an IdentityTransformStream
 * is the runtime's own, and a third of a delivery's CPU time cheaper (docs/scale.md).
 */

import type { Runtime } from "../../api/runtime.ts";
import { FirstChunk } from "../../stream/handshake-relay.ts";
import { type ChunkWriter, type SinkOwner, StreamSink, type Taking } from "../../stream/sink.ts";

/** Takes over from Hono's stream as soon as the handshake has come out of it. */
export const openWorkerSink: NonNullable<Runtime["openSink"]> = (c, stream, owner) => {
  const { readable, writable } = new IdentityTransformStream();
  const { signal } = c.req.raw;
  signal.addEventListener("abort", () => owner.onGone());
  if (signal.aborted) owner.onGone();
  const writer = new IdentityWriter(writable, owner, new FirstChunk(stream, owner));
  return { sink: new StreamSink(owner, writer), body: readable };
};

/** A write to it settles when the client's side has read it. */
class IdentityWriter implements ChunkWriter {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #first: FirstChunk | undefined;

  constructor(writable: WritableStream, owner: SinkOwner, first: FirstChunk) {
    this.#writer = writable.getWriter();
    this.#first = first;
    this.#writer.closed.catch(() => owner.onGone());
  }

  write(chunk: Uint8Array, sink: Taking): void {
    const first = this.#first;
    this.#first = undefined;
    const passed = first === undefined ? undefined : first.pass(chunk);
    const written =
      passed === undefined
        ? this.#writer.write(chunk)
        : passed.then((bytes) => this.#writer.write(bytes));
    written.then(
      () => sink.taken(),
      () => sink.taken(true),
    );
  }

  end(): void {
    // It may have gone meanwhile.
    this.#writer.close().catch(() => {});
  }

  cut(): void {
    this.#writer.abort().catch(() => {});
  }
}
