/** `GET /api/realtime`: a client's stream, from the handshake to its end. */
import type { Context, Handler } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { RealtimeError } from "../realtime/errors.ts";
import { formatSSEComment, formatSSEMessage } from "../realtime/sse.ts";
import type { CloseReason, Logger } from "../realtime/types.ts";
import type { ClientConnection, ClientRegistry } from "../registry/registry.ts";
import type { Auth } from "./auth.ts";
import { DEFAULTS, RETRY, type ServerOptions } from "./options.ts";
import type { Runtime } from "./peer.ts";
import { type Beating, OwnPulse, type Pulse, SharedPulse } from "./pulse.ts";
import type { createReadConnect } from "./query.ts";
import { type OutgoingSink, openStreamSink, type SinkOwner } from "./sink.ts";
import { topicsOf } from "./subscribe.ts";

export interface StreamOptions
  extends Pick<
    ServerOptions,
    "pingInterval" | "staleTimeout" | "maxBufferedBytes" | "maxStreamWrites" | "now"
  > {
  readonly registry: ClientRegistry;
  readonly runtime: Runtime;
  readonly auth: Auth;
  readonly readConnect: ReturnType<typeof createReadConnect>;
  readonly logger: Logger;
  /** The streams that are open, each until it is written out. */
  readonly streams: Set<Promise<void>>;
}

const STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-cache, no-transform",
  "X-Accel-Buffering": "no",
};

const encoder = new TextEncoder();
const PING = formatSSEComment("ping");
const PING_BYTES = encoder.encode(PING);
/** A page can't see a comment; its watchdog can ask for an event. It has no id: it is no place to resume from. */
const PING_EVENT = PING + formatSSEMessage({ event: "ping", data: {} });

/** Milliseconds in which a client must have begun to take its handshake. */
const HANDSHAKE_TIMEOUT = 10_000;

/** A timer may fire this many milliseconds early by the clock; a ping must not wait a whole turn for it. */
const TIMER_SLACK = 20;

/** What all streams of a server share. */
interface Shared {
  readonly pingInterval: number;
  readonly staleTimeout: number;
  readonly maxBufferedBytes: number;
  readonly maxWrites: number;
  readonly now: () => number;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly pulse: Pulse;
}

export function connect(options: StreamOptions): Handler {
  const { registry, auth, readConnect, logger, streams, runtime } = options;
  const shared = share(options);
  return async (c) => {
    // Hono answers HEAD by running this and throwing the body away: a stream nobody would ever close.
    if (c.req.method === "HEAD") return streamResponse(c, null, runtime);
    const start = readConnect(c);
    const peer = await auth.toSubscribe(c, topicsOf(start.topics), true);
    let connection: ClientConnection;
    try {
      connection = await registry.open({ ...start, ...peer });
    } catch (error) {
      if (!(error instanceof RealtimeError) || error.code !== "unreachable") throw error;
      // An EventSource gives up for good at a 503, but comes back to a stream that ended.
      logger.error("shard unreachable", { path: c.req.path, error: String(error.cause) });
      return c.body(comeBack(RETRY.shutdown), 200, STREAM_HEADERS);
    }
    let body: ReadableStream | null = null;
    streamSSE(c, (stream) => {
      body = stream.responseReadable;
      const held = new HeldStream(shared, connection);
      const ended = held.hold(c, stream);
      streams.add(ended);
      void ended.finally(() => streams.delete(ended));
      return held.released;
    });
    return streamResponse(c, body, shared.runtime);
  };
}

/** The response that streamSSE makes, with the headers of docs/protocol.md: it sets others, where they can't be changed. */
function streamResponse(c: Context, body: ReadableStream | null, { httpVersion }: Runtime) {
  if ((httpVersion?.(c) ?? "1.1") !== "1.1") {
    // HTTP/1.0 has no chunks, and HTTP/2 forbids both.
    c.header("Connection", undefined);
    c.header("Transfer-Encoding", undefined);
  }
  return body === null ? c.body(null, 200, STREAM_HEADERS) : c.body(body, 200, STREAM_HEADERS);
}

function share(options: StreamOptions): Shared {
  const { pingInterval = DEFAULTS.pingInterval, staleTimeout = DEFAULTS.staleTimeout } = options;
  const { maxStreamWrites = DEFAULTS.maxStreamWrites, runtime, logger } = options;
  // An even part of the ping's interval, so that pings are on time, and no longer than staleTimeout.
  const interval = pingInterval / Math.ceil(pingInterval / staleTimeout);
  return {
    ...{ pingInterval, staleTimeout, runtime, logger },
    maxBufferedBytes: options.maxBufferedBytes ?? DEFAULTS.maxBufferedBytes,
    // The handshake is one that brings a client nothing.
    maxWrites: maxStreamWrites === 0 ? 0 : maxStreamWrites + 1,
    now: options.now ?? Date.now,
    pulse: runtime.isOneProcess === true ? new SharedPulse(interval) : new OwnPulse(interval),
  };
}

/** One open stream. There may be very many, and most are silent: what it needs for its start it lets go of. */
class HeldStream implements SinkOwner, Beating {
  /** Settles when the stream of Hono's is not needed any more: at the end, or when the sink does without. */
  readonly released: Promise<void>;
  readonly #shared: Shared;
  readonly #connection: ClientConnection;
  #release: (() => void) | undefined;
  #stream: SSEStreamingApi | undefined;
  #sink: OutgoingSink | undefined;
  #withPingEvent = false;
  #pinged = 0;
  /** The place that the client was told last. */
  #told: string | undefined;

  constructor(shared: Shared, connection: ClientConnection) {
    this.#shared = shared;
    this.#connection = connection;
    this.#told = connection.cursor;
    // The first ping may come earlier by as much as the pulse spreads them.
    this.#pinged = shared.now() - shared.pingInterval / 4;
    this.released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  get maxBufferedBytes(): number {
    return this.#shared.maxBufferedBytes;
  }

  get maxWrites(): number {
    return this.#shared.maxWrites;
  }

  now(): number {
    return this.#shared.now();
  }

  write(chunk: Uint8Array): Promise<unknown> {
    return this.#stream?.write(chunk) ?? Promise.resolve();
  }

  onOverflow(): void {
    this.#connection.close("slow");
  }

  onSpent(): void {
    this.#connection.close("lifetime");
  }

  onGone(): void {
    this.#connection.close("client");
  }

  onIndependent(): void {
    this.#stream = undefined;
    this.#release?.();
    this.#release = undefined;
  }

  async hold(c: Context, stream: SSEStreamingApi): Promise<void> {
    const { runtime, pulse, logger } = this.#shared;
    const connection = this.#connection;
    this.#stream = stream;
    this.#withPingEvent = c.req.query("ping") === "event";
    const sink = runtime.openSink?.(c, stream, this) ?? openStreamSink(c, stream, this, runtime);
    this.#sink = sink;
    const stopPulse = pulse.add(this);
    const stopWaiting = runtime.isOneProcess === true ? undefined : this.#expectTaking(sink);
    try {
      sink.write(encoder.encode(handshake(connection)));
      await connection.attach(sink);
      const reason = await sink.closed;
      connection.close(reason);
      if (isOrderly(reason)) await sink.finish(farewell(reason));
      else sink.cut();
    } catch (error) {
      logger.error("stream failed", { clientId: connection.clientId, error: String(error) });
      connection.close("error");
      sink.cut();
    } finally {
      stopPulse();
      stopWaiting?.();
      this.onIndependent();
    }
  }

  /** The keep-alive, and the end of a client that takes nothing. */
  beat(): void {
    const { pingInterval, staleTimeout } = this.#shared;
    const sink = this.#sink;
    if (sink === undefined) return;
    if (sink.stalledFor >= staleTimeout) {
      this.#connection.close("stale");
      sink.cut();
      return;
    }
    const now = this.now();
    if (sink.bufferedBytes > 0 || now - this.#pinged < pingInterval - TIMER_SLACK) return;
    this.#pinged = now;
    this.#connection.updateActivity();
    sink.write(this.#pingFrame());
  }

  #pingFrame(): Uint8Array {
    const place = this.#connection.place();
    const hasMoved = place !== undefined && place !== this.#told;
    this.#told = place;
    if (!hasMoved && !this.#withPingEvent) return PING_BYTES;
    const ping = this.#withPingEvent ? PING_EVENT : PING;
    return encoder.encode(hasMoved ? ping + formatSSEMessage({ id: place }) : ping);
  }

  /** workerd never pulls a response whose client left before it, and says nothing of it either. */
  #expectTaking(sink: OutgoingSink): () => void {
    const deadline = Math.min(HANDSHAKE_TIMEOUT, this.#shared.staleTimeout);
    const timer = setTimeout(() => {
      if (sink.writes > 0) return;
      this.onGone();
      sink.cut();
    }, deadline);
    return () => clearTimeout(timer);
  }
}

/** The SDKs take the client id from `id:`, not from the data (docs/protocol.md, "Connect"). */
function handshake({ clientId, cursor }: ClientConnection): string {
  const connected = formatSSEMessage({ event: "PB_CONNECT", data: { clientId }, id: clientId });
  // No event for the page: only the id to come back with.
  return cursor === undefined ? connected : connected + formatSSEMessage({ id: cursor });
}

/** Whether whoever listens is still there to be told what was accepted before. `error` is the registry's, then. */
function isOrderly(reason: CloseReason): boolean {
  return reason !== "client" && reason !== "slow" && reason !== "stale";
}

function farewell(reason: CloseReason): Uint8Array | undefined {
  if (reason === "admin" || reason === "expired" || reason === "revoked") return undefined;
  return encoder.encode(comeBack(reason === "lifetime" ? RETRY.lifetime : RETRY.shutdown));
}

/** Asks a client to come back, at a time of its own within the range. */
function comeBack({ least, most }: { readonly least: number; readonly most: number }): string {
  return formatSSEMessage({ retry: least + Math.round(Math.random() * (most - least)) });
}
