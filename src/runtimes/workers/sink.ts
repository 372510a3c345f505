/**
 * Frames on their way to a client on Workers, past the two streams in JavaScript that Hono's are: an IdentityTransformStream
 * is the runtime's own, and a third of a delivery's CPU time cheaper (docs/scale.md).
 */

import type { Runtime } from "../../api/runtime.ts";
import { HandshakeRelay } from "../../stream/handshake-relay.ts";
import {
  BufferedSink,
  type ChunkWriter,
  type SinkListener,
  type WriteCallback,
} from "../../stream/sink.ts";

/** Takes over from Hono's stream as soon as the handshake has come out of it. */
export const openWorkerSink: NonNullable<Runtime["openSink"]> = (c, stream, owner) => {
  const { readable, writable } = new IdentityTransformStream();
  const { signal } = c.req.raw;
  signal.addEventListener("abort", () => owner.onDisconnect());
  if (signal.aborted) owner.onDisconnect();
  const writer = new IdentityWriter(writable, owner, new HandshakeRelay(stream, owner));
  return { sink: new BufferedSink(owner, writer), body: readable };
};

/** A write to it settles when the client's side has read it. */
class IdentityWriter implements ChunkWriter {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #first: HandshakeRelay | undefined;

  constructor(writable: WritableStream, owner: SinkListener, first: HandshakeRelay) {
    this.#writer = writable.getWriter();
    this.#first = first;
    this.#writer.closed.catch(() => owner.onDisconnect());
  }

  write(chunk: Uint8Array, sink: WriteCallback): void {
    const first = this.#first;
    this.#first = undefined;
    const passed = first === undefined ? undefined : first.pass(chunk);
    const written =
      passed === undefined
        ? this.#writer.write(chunk)
        : passed.then((bytes) => this.#writer.write(bytes));
    written.then(
      () => sink.done(),
      () => sink.done(true),
    );
  }

  end(): void {
    // It may have gone meanwhile.
    this.#writer.close().catch(() => {});
  }

  destroy(): void {
    this.#writer.abort().catch(() => {});
  }
}
