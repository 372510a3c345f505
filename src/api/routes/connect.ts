/** `GET /api/realtime`: a client's stream, from the handshake to its end. */
import type { Context, Handler } from "hono";
import { streamSSE } from "hono/streaming";
import { nanoid } from "nanoid";
import { networkOf } from "../../realtime/access/ip-address.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import { formatCursorEvent, formatSSEComment, formatSSEMessage } from "../../realtime/sse.ts";
import type { CloseReason, Logger } from "../../realtime/types.ts";
import type { ClientConnection, ClientRegistry } from "../../registry/registry.ts";
import type { ActiveStreams } from "../../stream/active-streams.ts";
import {
  type Heartbeat,
  type HeartbeatHandle,
  type HeartbeatListener,
  IntervalHeartbeat,
  SharedHeartbeat,
} from "../../stream/heartbeat.ts";
import { guardBody } from "../../stream/response-guard.ts";
import { formatRetry, RETRY_RANGES, spreadRetry } from "../../stream/retry.ts";
import {
  FINAL_FRAME_TIMEOUT,
  type OutgoingSink,
  openHonoSink,
  type SinkListener,
} from "../../stream/sink.ts";
import type { Waiting, WaitingBudget, WaitingStream } from "../../stream/waiting-budget.ts";
import type { Auth } from "../auth/auth.ts";
import { type Hooks, runHook, type SubscribeHook } from "../hooks.ts";
import { DEFAULTS } from "../limits.ts";
import type { ClientLimits } from "../middleware/client-limits.ts";
import type { RequestQueue } from "../middleware/request-queue.ts";
import type { ServerOptions } from "../options.ts";
import { asksToClose, type OpenedSink, type Runtime } from "../runtime.ts";
import type { createReadConnect } from "../schemas/query.ts";
import { topicsOf } from "../schemas/subscription-keys.ts";

export interface StreamOptions
  extends Pick<
    ServerOptions,
    | "pingInterval"
    | "staleTimeout"
    | "handshakeTimeout"
    | "maxBufferedBytes"
    | "maxStreamWrites"
    | "hooks"
    | "monotonicNow"
  > {
  readonly registry: ClientRegistry;
  readonly runtime: Runtime;
  readonly auth: Auth;
  readonly askSubscribe: SubscribeHook;
  readonly readConnect: ReturnType<typeof createReadConnect>;
  readonly logger: Logger;
  readonly streams: ActiveStreams;
  readonly clientLimits: ClientLimits;
  readonly budget: WaitingBudget;
  readonly entrance: RequestQueue;
}

export const STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-cache, no-transform",
  "X-Accel-Buffering": "no",
};

const encoder = new TextEncoder();
const PING = formatSSEComment("ping");
const PING_BYTES = encoder.encode(PING);
/** A page can't see a comment. With `?ping=event` the page gets an event that a watchdog can listen for. */
const PING_EVENT = { event: "ping", data: {} };

/** A timer may fire this many milliseconds early by the clock; a ping must not wait a whole turn for it. */
const TIMER_SLACK = 20;

/** What all streams of a server share. */
interface SessionSettings {
  readonly pingInterval: number;
  readonly staleTimeout: number;
  readonly handshakeTimeout: number;
  readonly maxBufferedBytes: number;
  readonly maxWrites: number;
  readonly now: () => number;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly streams: ActiveStreams;
  readonly clientLimits: ClientLimits;
  readonly budget: WaitingBudget;
  readonly heartbeat: Heartbeat;
  readonly onDisconnect: Hooks["onDisconnect"];
}

export function connect(options: StreamOptions): Handler {
  const { registry, auth, readConnect, runtime, askSubscribe, entrance } = options;
  const { hooks = {} } = options;
  const shared = createSessionSettings(options);
  return async (c) => {
    // Hono answers HEAD by running this and throwing the body away: a stream nobody would ever close.
    if (c.req.method === "HEAD") return streamResponse(c, null, runtime);
    await entrance.enter();
    const start = readConnect(c);
    const peer = await auth.authorizeSubscribe(c, topicsOf(start.topics), true);
    const { ip, identity } = peer;
    const { topics } = start;
    const keys = topics.length === 0 ? topics : await askSubscribe(c, topics, peer);
    const connection = await registry.open({ ...start, ...peer, topics: keys });
    try {
      const event = { clientId: connection.clientId, ip, identity, subscriptions: keys };
      await runHook("onConnect", () => hooks.onConnect?.(event, c));
    } catch (error) {
      connection.close("client");
      throw error;
    }
    const held = new StreamSession(
      shared,
      connection,
      ip && networkOf(ip),
      c.req.query("ping") === "event",
    );
    let body: ReadableStream | null = null;
    let headers: OpenedSink["headers"];
    streamSSE(c, (stream) => {
      const opened = runtime.openSink?.(c, stream, held);
      body = opened?.body ?? stream.responseReadable;
      headers = opened?.headers;
      void held.start(opened?.sink ?? openHonoSink(c, stream, held, runtime));
      return held.honoStreamDone;
    });
    const response = streamResponse(c, body, runtime, headers);
    guardBody(response, () => held.onReadWhole());
    // Hono would make a new response of this one, without its guard, where middleware has set headers on `c.res` before.
    c.res = undefined;
    c.res = response;
    return response;
  };
}

/** The response that streamSSE makes, with the headers of docs/protocol.md: it sets others, where they can't be changed. */
function streamResponse(
  c: Context,
  body: ReadableStream | null,
  { httpVersion }: Runtime,
  headers: OpenedSink["headers"] = {},
): Response {
  if ((httpVersion?.(c) ?? "1.1") !== "1.1") {
    // HTTP/1.0 has no chunks, and HTTP/2 forbids both.
    c.header("Connection", undefined);
    c.header("Transfer-Encoding", undefined);
  } else {
    c.header("Connection", asksToClose(c.req.raw.headers) ? "close" : "keep-alive");
  }
  // Middleware that makes an ETag of a body leaves a response alone that has one. Of a stream it would read for ever. Each
  // stream has another one, so that none is ever "not modified".
  const own = { ...STREAM_HEADERS, ETag: `W/"${nanoid()}"` };
  return c.body(body as ReadableStream, 200, { ...own, ...headers });
}

function createSessionSettings(options: StreamOptions): SessionSettings {
  const { pingInterval = DEFAULTS.pingInterval, staleTimeout = DEFAULTS.staleTimeout } = options;
  const { maxStreamWrites = DEFAULTS.maxStreamWrites, runtime, logger, streams } = options;
  const { clientLimits, budget } = options;
  // An even part of the ping's interval, so that pings are on time, and no longer than staleTimeout.
  const interval = pingInterval / Math.ceil(pingInterval / staleTimeout);
  return {
    ...{ pingInterval, staleTimeout, runtime, logger, streams, clientLimits, budget },
    handshakeTimeout: Math.min(options.handshakeTimeout ?? DEFAULTS.handshakeTimeout, staleTimeout),
    maxBufferedBytes: options.maxBufferedBytes ?? DEFAULTS.maxBufferedBytes,
    // The handshake is one that brings a client nothing.
    maxWrites: maxStreamWrites === 0 ? 0 : maxStreamWrites + 1,
    now: options.monotonicNow ?? (() => performance.now()),
    onDisconnect: options.hooks?.onDisconnect,
    heartbeat:
      runtime.isOneProcess === true
        ? new SharedHeartbeat(interval)
        : new IntervalHeartbeat(interval),
  };
}

/** One open stream. There may be very many, and most are silent: of what its start needs it keeps nothing. */
class StreamSession implements SinkListener, HeartbeatListener, WaitingStream {
  readonly #shared: SessionSettings;
  readonly #connection: ClientConnection;
  readonly #withPingEvent: boolean;
  #sink: OutgoingSink | undefined;
  #heartbeat: HeartbeatHandle | undefined;
  /** Cuts the stream when its handshake does not leave. */
  #handshakeTimer: ReturnType<typeof setTimeout> | undefined;
  /** `released` in the making; true when it is over. */
  #resolveHonoStreamDone: (() => void) | true | undefined;
  #isGone = false;
  /** What waits for the client; most clients never have anything waiting. */
  #waiting: Waiting | undefined;
  readonly network: string | undefined;
  #lastPingAt: number;
  /** The place that the client was told last. */
  #lastSentCursor: string | undefined;

  constructor(
    shared: SessionSettings,
    connection: ClientConnection,
    network: string | undefined,
    withPingEvent: boolean,
  ) {
    this.#shared = shared;
    this.network = network;
    this.#connection = connection;
    this.#withPingEvent = withPingEvent;
    this.#lastSentCursor = connection.cursor;
    // The first ping may come earlier by as much as the pulse spreads them.
    this.#lastPingAt = shared.now() - shared.pingInterval / 4;
  }

  /** Settles when the stream of Hono's is not needed any more: at the end, or when the sink does without. */
  get honoStreamDone(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#resolveHonoStreamDone === true) resolve();
      else this.#resolveHonoStreamDone = resolve;
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

  onOverflow(): void {
    this.#connection.close("slow");
  }

  onWriteLimit(): void {
    this.#connection.close("lifetime");
  }

  onWaiting(chunk: Uint8Array): void {
    if (this.#isGone) return;
    this.#waiting ??= this.#shared.budget.open(this);
    this.#waiting.hold(chunk);
  }

  onTaken(chunk: Uint8Array): void {
    this.#waiting?.release(chunk);
  }

  /** Too much waits for all clients together, and the most for this one. */
  dropWaiting(): void {
    // This may be in the middle of a delivery, which takes the client out by itself at its next write.
    this.#sink?.close("slow");
    this.#sink?.destroy();
  }

  onDisconnect(): void {
    this.#connection.close("client");
  }

  onDetached(): void {
    if (typeof this.#resolveHonoStreamDone === "function") this.#resolveHonoStreamDone();
    this.#resolveHonoStreamDone = true;
  }

  /** Middleware reads the response to its end, and would keep all of it in memory until then. */
  onReadWhole(): void {
    const path = "exclude the stream's address from it";
    this.#abort(`middleware reads the whole response, which does not end; ${path}`);
  }

  onClosed(reason: CloseReason): void {
    void this.#end(reason);
  }

  async start(sink: OutgoingSink): Promise<void> {
    const { heartbeat, streams, clientLimits } = this.#shared;
    const connection = this.#connection;
    this.#sink = sink;
    streams.add(this);
    clientLimits.letIn(connection.clientId);
    this.#heartbeat = heartbeat.add(this);
    this.#expectHandshake(sink);
    try {
      sink.write(encoder.encode(handshake(connection)));
      await connection.attach(sink);
    } catch (error) {
      if (error instanceof RealtimeError) await this.#refuse(sink, error);
      else this.#fail(sink, error);
      await this.#leave("error");
    }
  }

  /** There was room for it when it asked, and is none any more: it may come back. */
  async #refuse(sink: OutgoingSink, { message }: RealtimeError): Promise<void> {
    const { clientId } = this.#connection;
    this.#shared.logger.warn("client turned away", { clientId, reason: message });
    this.#connection.close("error");
    await this.#finish(sink, "error");
  }

  /** Writes the last frame and ends the response. A client that does not read is cut. */
  async #finish(sink: OutgoingSink, reason: CloseReason): Promise<void> {
    if (reason !== "shutdown") {
      clearTimeout(this.#handshakeTimer);
      this.#handshakeTimer = setTimeout(() => sink.destroy(), FINAL_FRAME_TIMEOUT);
    }
    await sink.finish(this.#finalFrame(reason));
  }

  async #end(reason: CloseReason): Promise<void> {
    // Whoever closes is in the middle of something.
    await undefined;
    const sink = this.#sink;
    if (sink === undefined) return;
    try {
      this.#connection.close(reason);
      if (flushesBeforeClose(reason)) await this.#finish(sink, reason);
      else sink.destroy();
    } catch (error) {
      this.#fail(sink, error);
    }
    await this.#leave(reason);
  }

  /** What asks the client to come back; undefined when it is not to. */
  #finalFrame(reason: CloseReason): Uint8Array | undefined {
    if (reason === "admin" || reason === "expired" || reason === "revoked") return undefined;
    if (reason === "lifetime") return encoder.encode(formatRetry(RETRY_RANGES.lifetime));
    const clients = Math.max(this.#shared.streams.count, this.#connection.shardClients ?? 0);
    return encoder.encode(formatRetry(spreadRetry(RETRY_RANGES.shutdown, clients)));
  }

  #fail(sink: OutgoingSink, error: unknown): void {
    const { clientId } = this.#connection;
    this.#shared.logger.error("stream failed", { clientId, error: String(error) });
    this.#connection.close("error");
    sink.destroy();
  }

  async #leave(reason: CloseReason): Promise<void> {
    if (this.#isGone) return;
    this.#isGone = true;
    if (this.#heartbeat !== undefined) this.#shared.heartbeat.remove(this, this.#heartbeat);
    if (this.#handshakeTimer !== undefined) clearTimeout(this.#handshakeTimer);
    this.onDetached();
    this.#waiting?.releaseAll();
    this.#shared.streams.delete(this);
    this.#shared.clientLimits.left(this.#connection.clientId);
    try {
      await this.#shared.onDisconnect?.({ clientId: this.#connection.clientId, reason });
    } catch (error) {
      const told = error instanceof Error ? error.stack || String(error) : String(error);
      this.#shared.logger.error("onDisconnect failed", { error: told });
    }
  }

  /** The keep-alive, and the end of a client that takes nothing. */
  onHeartbeat(): void {
    const { pingInterval, staleTimeout } = this.#shared;
    const sink = this.#sink;
    if (sink === undefined) return;
    if (sink.stalledFor >= staleTimeout) {
      this.#connection.close("stale");
      sink.destroy();
      return;
    }
    const now = this.now();
    if (sink.bufferedBytes > 0 || now - this.#lastPingAt < pingInterval - TIMER_SLACK) return;
    this.#lastPingAt = now;
    this.#connection.updateActivity();
    sink.write(this.#pingFrame());
  }

  #pingFrame(): Uint8Array {
    const place = this.#connection.resumeCursor();
    const hasMoved = place !== undefined && place !== this.#lastSentCursor;
    this.#lastSentCursor = place;
    if (!hasMoved && !this.#withPingEvent) return PING_BYTES;
    const id = hasMoved ? place : undefined;
    const event = this.#withPingEvent
      ? formatSSEMessage({ ...PING_EVENT, id })
      : formatCursorEvent(place);
    return encoder.encode(PING + event);
  }

  /**
   * Middleware of a host may hold back the response: `etag()` reads it to its end first. And workerd never pulls a response
   * whose client left before it, and says nothing of it.
   */
  #expectHandshake(sink: OutgoingSink): void {
    const { handshakeTimeout } = this.#shared;
    this.#handshakeTimer = setTimeout(() => {
      this.#handshakeTimer = undefined;
      if (sink.hasLeft) return;
      const limit = `${handshakeTimeout / 1000} s`;
      this.#abort(
        `the response head did not leave within ${limit}; middleware may hold back the response`,
      );
    }, handshakeTimeout);
  }

  #abort(reason: string): void {
    if (this.#isGone) return;
    this.#shared.logger.warn("stream cut", { clientId: this.#connection.clientId, reason });
    this.#connection.close("stale");
    this.#sink?.destroy();
  }
}

/**
 * The SDKs take the client id from `id:`, not from the data (docs/protocol.md, "Connect"). The client id contains the cursor
 * where the stream begins, so a client that comes back with it resumes there.
 */
function handshake({ clientId }: ClientConnection): string {
  return formatSSEMessage({ event: "PB_CONNECT", data: { clientId }, id: clientId });
}

/** Whether whoever listens is still there to be told what was accepted before. `error` is the registry's, then. */
function flushesBeforeClose(reason: CloseReason): boolean {
  return reason !== "client" && reason !== "slow" && reason !== "stale";
}
