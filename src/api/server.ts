import { type Context, type Handler, Hono, type MiddlewareHandler } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { createMemoryLog } from "../log/memory.ts";
import { networkOf } from "../realtime/address.ts";
import { RealtimeError } from "../realtime/errors.ts";
import { type ManagerOptions, RealtimeManager } from "../realtime/manager.ts";
import type { PublishInput } from "../realtime/message.ts";
import { formatSSEComment, formatSSEMessage } from "../realtime/sse.ts";
import type { CloseReason, Logger } from "../realtime/types.ts";
import { createInProcessRegistry } from "../registry/in-process.ts";
import type { ClientConnection, ClientRegistry, PublishReceipt } from "../registry/registry.ts";
import { disconnectClient, listClients, listTopics, readClient, revoke } from "./admin.ts";
import { Auth } from "./auth.ts";
import { limitBody } from "./body.ts";
import { errorResponse, handleError } from "./errors.ts";
import { readMessages } from "./history.ts";
import { createLogger } from "./logger.ts";
import { createMessageReader, publishMessages, requirePublisher } from "./messages.ts";
import { DEFAULTS, limitsOf, RETRY, type ServerOptions } from "./options.ts";
import { allowOrigins, protectAnswers } from "./origins.ts";
import type { Runtime } from "./peer.ts";
import { createReadConnect } from "./query.ts";
import { createRateLimit } from "./rate-limit.ts";
import { StreamSink } from "./sink.ts";
import { subscribe, topicsOf } from "./subscribe.ts";

/** The service as one Hono app, and what an embedding app needs of it. */
export interface RealtimeServer {
  /** Serve `app.fetch`, or mount it: `yours.route("/", app)`. */
  readonly app: Hono;
  /** The manager of the default registry; undefined when a registry was given. */
  readonly realtimeManager: RealtimeManager | undefined;
  readonly registry: ClientRegistry;
  /**
   * Publishes from the embedding app's own hooks; answers when the log has the messages.
   *
   * @throws RealtimeError `invalid_input`, `too_large` or `invalid_event` when a message breaks a rule, `closed`
   *   when the server is stopping.
   */
  publish(...inputs: readonly PublishInput[]): Promise<readonly PublishReceipt[]>;
  /**
   * Ends every stream: what was accepted is written, then `retry:`, then the end; new streams get 503.
   * Resolves when the last one is written out. The deadline is the caller's.
   */
  close(): Promise<void>;
}

/** Makes the service. Nothing listens and no timer runs until a client comes. */
export function createServer(options: ServerOptions = {}): RealtimeServer {
  const logger = options.logger ?? createLogger({ level: "silent" });
  const realtimeManager = options.registry
    ? undefined
    : (options.realtimeManager ?? createManager({ ...options, logger }));
  const registry =
    options.registry ??
    createInProcessRegistry({
      manager: realtimeManager as RealtimeManager,
      log: options.log ?? createMemoryLog({ now: options.now }),
    });
  const { runtime = {}, now = Date.now } = options;
  const origins = options.origins ?? DEFAULTS.origins;
  const auth = new Auth({ ...options, runtime, origins, now });
  const limits = limitsOf(options);
  const limitConnects = createRateLimit(limits.connectsPerSecond, "requests", now);
  const limitPublishes = createRateLimit(limits.publishesPerSecond, "messages", now);
  const admin = auth.requireAdmin;
  const bounded = limitBody(limits.maxBodyBytes, limits.requestTimeout);
  const byAddress: MiddlewareHandler = async (c, next) => {
    const ip = auth.addressOf(c);
    if (ip !== undefined) limitConnects(networkOf(ip));
    return next();
  };
  const streams = new Set<Promise<void>>();

  const app = new Hono();
  app.onError((error, c) => handleError(error, c, logger));
  app.notFound((c) => errorResponse(c, 404, "There is nothing at this address."));
  // Of our own addresses only: what else the app has that this is mounted in is not ours to open.
  for (const path of ["/api/realtime", "/api/realtime/*", "/api/health"]) {
    app.use(path, allowOrigins(origins), protectAnswers);
  }

  app.get(
    "/api/realtime",
    streamHeaders(runtime.httpVersion),
    byAddress,
    connect({
      ...{ ...options, registry, runtime, auth, logger, streams },
      readConnect: createReadConnect(limits),
    }),
  );
  app.post("/api/realtime", byAddress, bounded, subscribe(registry, auth, limits));
  app.post(
    "/api/realtime/messages",
    requirePublisher(auth),
    bounded,
    publishMessages(registry, auth, limits, limitPublishes),
  );
  app.get("/api/realtime/messages", byAddress, readMessages(registry, auth, limits));
  app.get("/api/realtime/clients", admin, listClients(registry));
  app.get("/api/realtime/clients/:id", admin, readClient(registry));
  app.delete("/api/realtime/clients/:id", admin, disconnectClient(registry));
  app.get("/api/realtime/topics", admin, listTopics(registry));
  app.post("/api/realtime/revoke", admin, bounded, revoke(registry));
  app.get("/api/realtime/stats", admin, async (c) => c.json(await registry.stats()));
  app.get("/api/health", (c) => c.json({ code: 200, message: "API is healthy.", data: {} }));

  app.all("/api/realtime", allowOnly("GET, POST"));
  app.all("/api/realtime/messages", allowOnly("GET, POST"));
  app.all("/api/realtime/clients", allowOnly("GET"));
  app.all("/api/realtime/clients/:id", allowOnly("GET, DELETE"));
  app.all("/api/realtime/topics", allowOnly("GET"));
  app.all("/api/realtime/revoke", allowOnly("POST"));
  app.all("/api/realtime/stats", allowOnly("GET"));
  app.all("/api/health", allowOnly("GET"));

  const createMessages = createMessageReader(limits);
  return {
    app,
    realtimeManager,
    registry,
    publish: async (...inputs) => registry.publish(createMessages(inputs)),
    async close() {
      await registry.close();
      await Promise.all(streams);
    },
  };
}

/** With bounds, where nobody said otherwise. */
function createManager(options: ManagerOptions): RealtimeManager {
  const { maxClients, maxClientsPerAddress, authGrace } = options;
  return new RealtimeManager({
    ...options,
    maxClients: maxClients ?? DEFAULTS.maxClients,
    maxClientsPerAddress: maxClientsPerAddress ?? DEFAULTS.maxClientsPerAddress,
    authGrace: authGrace ?? DEFAULTS.authGrace,
  });
}

interface StreamOptions
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

const encoder = new TextEncoder();
const PING = formatSSEComment("ping");
/** A page can't see a comment; its watchdog can ask for an event. It has no id: it is no place to resume from. */
const PING_EVENT = PING + formatSSEMessage({ event: "ping", data: {} });

/** Milliseconds in which a client must have begun to take its handshake. */
const HANDSHAKE_TIMEOUT = 10_000;

/** A timer may fire this many milliseconds early by the clock; a ping must not wait a whole turn for it. */
const TIMER_SLACK = 20;

/** `GET /api/realtime`: holds a client's stream from the handshake to its end. */
function connect(options: StreamOptions): Handler {
  return async (c) => {
    // Hono answers HEAD by running this and throwing the body away: a stream nobody would ever close.
    if (c.req.method === "HEAD") return c.body(null);
    const start = options.readConnect(c);
    const peer = await options.auth.toSubscribe(c, topicsOf(start.topics), true);
    let connection: ClientConnection;
    try {
      connection = await options.registry.open({ ...start, ...peer });
    } catch (error) {
      if (!(error instanceof RealtimeError) || error.code !== "unreachable") throw error;
      // An EventSource gives up for good at a 503, but comes back to a stream that ended.
      options.logger.error("shard unreachable", { path: c.req.path, error: String(error.cause) });
      return c.body(comeBack(RETRY.shutdown));
    }
    return streamSSE(c, (stream) => {
      const ended = holdStream(c, stream, connection, options);
      options.streams.add(ended);
      return ended.finally(() => options.streams.delete(ended));
    });
  };
}

async function holdStream(
  c: Context,
  stream: SSEStreamingApi,
  connection: ClientConnection,
  options: StreamOptions,
): Promise<void> {
  const { clientId } = connection;
  const { pingInterval = DEFAULTS.pingInterval, staleTimeout = DEFAULTS.staleTimeout } = options;
  const { maxStreamWrites = DEFAULTS.maxStreamWrites } = options;
  const now = options.now ?? Date.now;
  const sink = new StreamSink({
    write: (chunk) => stream.write(chunk),
    maxBufferedBytes: options.maxBufferedBytes ?? DEFAULTS.maxBufferedBytes,
    onOverflow: () => connection.close("slow"),
    // The handshake is one that brings a client nothing.
    maxWrites: maxStreamWrites === 0 ? 0 : maxStreamWrites + 1,
    onSpent: () => connection.close("lifetime"),
    now,
  });
  const ping = c.req.query("ping") === "event" ? PING_EVENT : PING;
  let told = connection.cursor;
  const pingFrame = () => {
    const place = connection.place();
    const hasMoved = place !== undefined && place !== told;
    told = place;
    return encoder.encode(hasMoved ? ping + formatSSEMessage({ id: place }) : ping);
  };
  const cut = () => {
    sink.discard();
    stream.abort();
    options.runtime.abort?.(c);
  };
  let pinged = now();
  const keepAlive = () => {
    if (sink.stalledFor >= staleTimeout) {
      connection.close("stale");
      cut();
    } else if (sink.bufferedBytes === 0 && now() - pinged >= pingInterval - TIMER_SLACK) {
      pinged = now();
      connection.updateActivity();
      sink.write(pingFrame());
    }
  };
  const leave = () => connection.close("client");
  stream.onAbort(leave);
  c.req.raw.signal.addEventListener("abort", leave);
  // It may have left while it was being let in; an aborted signal tells nobody any more.
  if (c.req.raw.signal.aborted) leave();
  // An even part of the ping's interval, so that pings are on time, and no longer than staleTimeout.
  const timer = setInterval(keepAlive, pingInterval / Math.ceil(pingInterval / staleTimeout));
  // workerd never pulls a response whose client left before it, and says nothing of it either.
  const handshakeDeadline = setTimeout(
    () => {
      if (sink.writes > 0) return;
      leave();
      cut();
    },
    Math.min(HANDSHAKE_TIMEOUT, staleTimeout),
  );
  try {
    sink.write(encoder.encode(handshake(connection)));
    await connection.attach(sink);
    const reason = await sink.closed;
    connection.close(reason);
    if (isOrderly(reason)) await sink.finish(farewell(reason));
    else cut();
  } catch (error) {
    options.logger.error("stream failed", { clientId, error: String(error) });
    connection.close("error");
    cut();
  } finally {
    clearInterval(timer);
    clearTimeout(handshakeDeadline);
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

/**
 * Replaces what streamSSE sets where the protocol says more. A middleware, because Hono merges headers that
 * were set before the handler over those of the response it returned.
 */
function streamHeaders(httpVersion: Runtime["httpVersion"]): MiddlewareHandler {
  return async (c, next) => {
    await next();
    if (!c.res.ok) return;
    const { headers } = c.res;
    headers.set("Content-Type", "text/event-stream");
    headers.set("Cache-Control", "no-cache, no-transform");
    headers.set("X-Accel-Buffering", "no");
    if ((httpVersion?.(c) ?? "1.1") === "1.1") {
      headers.set("Connection", "keep-alive");
    } else {
      // HTTP/1.0 has no chunks, and HTTP/2 forbids both.
      headers.delete("Connection");
      headers.delete("Transfer-Encoding");
    }
  };
}

/** Answers 405 on a known path; it stands behind the path's own methods. */
function allowOnly(methods: string): Handler {
  return (c) => {
    c.header("Allow", methods);
    return errorResponse(c, 405, `${c.req.method} is not possible here. Use ${methods}.`);
  };
}
