/**
 * The sink on Bun. It bypasses Hono's TransformStream, and writes directly to the response's body
 * (docs/performance.md).
 */
import type { Context } from "hono";
import type { Runtime } from "../../api/runtime.ts";
import { FlushScheduler } from "../../realtime/delivery/flush-scheduler.ts";
import { BufferedSink } from "../../stream/buffered-sink.ts";
import { HandshakeRelay } from "../../stream/handshake-relay.ts";
import type { ChunkWriter, SinkListener, WriteCallback } from "../../stream/sink.ts";
import { getBunServer } from "./bindings.ts";

/** Runs after all I/O of a turn, so messages that arrive together are sent in one write. */
const flushScheduler = new FlushScheduler({
  runAtEndOfTurn: (run) => void setImmediate(run),
  now: () => performance.now(),
});

/** After a stream has ended, Bun closes the connection if the client reads nothing for this many seconds. */
const ENDED_TIMEOUT_SECONDS = 10;
/** As `ENDED_TIMEOUT_SECONDS`, for a stream that was destroyed. */
const DESTROYED_TIMEOUT_SECONDS = 1;

/** Sets the time without traffic after which Bun closes the connection. 0 is never. */
type SetIdleTimeout = (seconds: number) => void;

/** Opens a sink that detaches from Hono's stream when the handshake was read from it. */
export const openBunSink: NonNullable<Runtime["openSink"]> = (c, stream, listener) => {
  const setIdleTimeout = createSetIdleTimeout(c);
  // Bun closes a connection without traffic after `idleTimeout` (default 10 s). A stream may be silent for longer, and pings
  // detect dead connections.
  setIdleTimeout(0);
  const body = new ResponseBody(listener, new HandshakeRelay(stream, listener), setIdleTimeout);
  return { sink: new BufferedSink(listener, body, flushScheduler), body: body.readable };
};

function createSetIdleTimeout(c: Context): SetIdleTimeout {
  const server = getBunServer(c);
  const request = c.req.raw;
  return (seconds) => server?.timeout(request, seconds);
}

/** The response's body. Bun calls `pull` when the previous chunk is written, and the socket has room for the next chunk. */
class ResponseBody implements ChunkWriter {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #setIdleTimeout: SetIdleTimeout;
  /** Undefined when the body has ended. */
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Undefined from the first `write` on, because the first chunk is the handshake. */
  #handshakeRelay: HandshakeRelay | undefined;
  /** The callback for the chunk that is being written. */
  #pendingWrite: WriteCallback | undefined;

  constructor(
    listener: SinkListener,
    handshakeRelay: HandshakeRelay,
    setIdleTimeout: SetIdleTimeout,
  ) {
    this.#handshakeRelay = handshakeRelay;
    this.#setIdleTimeout = setIdleTimeout;
    this.readable = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#completeWrite(),
      cancel: () => {
        this.#controller = undefined;
        listener.onDisconnect();
        this.#completeWrite();
      },
    });
  }

  write(chunk: Uint8Array, sink: WriteCallback): void {
    const relay = this.#handshakeRelay;
    if (relay === undefined) {
      this.#enqueue(chunk, sink);
    } else {
      this.#handshakeRelay = undefined;
      relay.pass(chunk).then(
        (passed) => this.#enqueue(passed, sink),
        () => sink.done(true),
      );
    }
  }

  end(): void {
    this.#setIdleTimeout(ENDED_TIMEOUT_SECONDS);
    this.#controller?.close();
    this.#controller = undefined;
  }

  destroy(): void {
    // Bun 1.4 resets the connection when the body fails. If bytes are waiting for the client, Bun does not: only the idle
    // timeout closes the connection.
    this.#setIdleTimeout(DESTROYED_TIMEOUT_SECONDS);
    this.#controller?.error();
    this.#controller = undefined;
    this.#completeWrite();
  }

  #enqueue(chunk: Uint8Array, sink: WriteCallback): void {
    if (this.#controller === undefined) {
      sink.done();
      return;
    }
    // Set before `enqueue`, because Bun may call `pull` during `enqueue`.
    this.#pendingWrite = sink;
    this.#controller.enqueue(chunk);
  }

  #completeWrite(): void {
    const sink = this.#pendingWrite;
    this.#pendingWrite = undefined;
    sink?.done();
  }
}
