/**
 * Frames on their way to a client on Bun, past Hono's TransformStream: straight into the stream that Bun reads the response
 * from (docs/performance.md).
 */
import type { Server } from "bun";
import type { Context } from "hono";
import type { Runtime } from "../../api/runtime.ts";
import { FlushScheduler } from "../../realtime/delivery/frame-batch.ts";
import { HandshakeRelay } from "../../stream/handshake-relay.ts";
import {
  BufferedSink,
  type ChunkWriter,
  type SinkListener,
  type WriteCallback,
} from "../../stream/sink.ts";

const flushScheduler = new FlushScheduler((run) => void setImmediate(run));

/**
 * The server of `Bun.serve`: in the environment, or the environment itself with `export default { fetch: app.fetch }`.
 * Undefined where the app was called without either.
 */
export function getBunServer(c: Context): Server<undefined> | undefined {
  const env = (c.env ?? {}) as { readonly server?: unknown };
  return [env.server, env].find(isServer);
}

function isServer(value: unknown): value is Server<undefined> {
  return typeof (value as { requestIP?: unknown } | undefined)?.requestIP === "function";
}

/** Seconds that Bun waits for the client before it closes the connection of a stream that has ended, or was cut. */
const END_TIMEOUT = 10;
const DESTROY_TIMEOUT = 1;

/** Sets the seconds without traffic after which Bun closes the connection; 0 is never. */
type SetTimeout = (seconds: number) => void;

function idleTimeoutOf(c: Context): SetTimeout {
  const server = getBunServer(c);
  const request = c.req.raw;
  return (seconds) => server?.timeout(request, seconds);
}

/** Takes over from Hono's stream as soon as the handshake has come out of it. */
export const openBunSink: NonNullable<Runtime["openSink"]> = (c, stream, owner) => {
  const setIdleTimeout = idleTimeoutOf(c);
  // Bun closes a response that is quiet for its `idleTimeout` (10 s by default). Streams are quiet, and pings find dead clients.
  setIdleTimeout(0);
  const body = new ResponseBody(owner, new HandshakeRelay(stream, owner), setIdleTimeout);
  return { sink: new BufferedSink(owner, body, flushScheduler), body: body.readable };
};

/** A response's body that says when a chunk was taken: Bun asks for the next one (`pull`) when the socket has room. */
class ResponseBody implements ChunkWriter {
  readonly readable: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly #setIdleTimeout: SetTimeout;
  #handshakeRelay: HandshakeRelay | undefined;
  /** Whose chunk has not been taken yet. */
  #pendingWrite: WriteCallback | undefined;

  constructor(owner: SinkListener, first: HandshakeRelay, setIdleTimeout: SetTimeout) {
    this.#handshakeRelay = first;
    this.#setIdleTimeout = setIdleTimeout;
    this.readable = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#completeWrite(),
      cancel: () => {
        this.#controller = undefined;
        owner.onDisconnect();
        this.#completeWrite();
      },
    });
  }

  write(chunk: Uint8Array, sink: WriteCallback): void {
    const first = this.#handshakeRelay;
    if (first === undefined) {
      this.#enqueue(chunk, sink);
    } else {
      this.#handshakeRelay = undefined;
      first.pass(chunk).then(
        (passed) => this.#enqueue(passed, sink),
        () => sink.done(true),
      );
    }
  }

  end(): void {
    this.#setIdleTimeout(END_TIMEOUT);
    this.#controller?.close();
    this.#controller = undefined;
  }

  /** Bun resets the connection of a body that fails, but not while bytes wait for the client: only a timeout ends that. */
  destroy(): void {
    this.#setIdleTimeout(DESTROY_TIMEOUT);
    this.#controller?.error();
    this.#controller = undefined;
    this.#completeWrite();
  }

  #enqueue(chunk: Uint8Array, sink: WriteCallback): void {
    if (this.#controller === undefined) {
      sink.done();
      return;
    }
    // Bun may ask for the next one before this returns.
    this.#pendingWrite = sink;
    this.#controller.enqueue(chunk);
  }

  #completeWrite(): void {
    const sink = this.#pendingWrite;
    this.#pendingWrite = undefined;
    sink?.done();
  }
}
