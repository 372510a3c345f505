/** `GET /api/realtime`: a client's stream, from the handshake to its end. */
import type { Context, Handler } from "hono";
import { streamSSE } from "hono/streaming";
import { nanoid } from "nanoid";
import { networkOf } from "../../realtime/access/ip-address.ts";
import type { Logger } from "../../realtime/types.ts";
import type { ClientRegistry } from "../../registry/registry.ts";
import type { ActiveStreams } from "../../stream/active-streams.ts";
import { IntervalHeartbeat, SharedHeartbeat } from "../../stream/heartbeat.ts";
import { guardBody } from "../../stream/response-guard.ts";
import { type SessionSettings, STREAM_HEADERS, StreamSession } from "../../stream/session.ts";
import { openHonoSink } from "../../stream/sink.ts";
import type { WaitingBudget } from "../../stream/waiting-budget.ts";
import type { Auth } from "../auth/auth.ts";
import { runHook, type SubscribeHook } from "../hooks.ts";
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

export function connect(options: StreamOptions): Handler {
  const { registry, auth, readConnect, runtime, askSubscribe, entrance } = options;
  const { hooks = {} } = options;
  const settings = createSessionSettings(options);
  return async (c) => {
    // Hono answers HEAD by running this and throwing the body away: a stream nobody would ever close.
    if (c.req.method === "HEAD") return streamResponse(c, null, runtime);
    await entrance.enter();
    const start = readConnect(c);
    const peer = await auth.authorizeConnect(c, topicsOf(start.topics));
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
    const session = new StreamSession(
      settings,
      connection,
      ip && networkOf(ip),
      c.req.query("ping") === "event",
    );
    let body: ReadableStream | null = null;
    let headers: OpenedSink["headers"];
    streamSSE(c, (stream) => {
      const opened = runtime.openSink?.(c, stream, session);
      body = opened?.body ?? stream.responseReadable;
      headers = opened?.headers;
      void session.start(opened?.sink ?? openHonoSink(c, stream, session, runtime));
      return session.honoStreamDone;
    });
    const response = streamResponse(c, body, runtime, headers);
    guardBody(response, () => session.onReadWhole());
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
  const { maxStreamWrites = DEFAULTS.maxStreamWrites, runtime, clientLimits, hooks } = options;
  // An even part of the ping's interval, so that pings are on time, and no longer than staleTimeout.
  const interval = pingInterval / Math.ceil(pingInterval / staleTimeout);
  return {
    pingInterval,
    staleTimeout,
    handshakeTimeout: Math.min(options.handshakeTimeout ?? DEFAULTS.handshakeTimeout, staleTimeout),
    maxBufferedBytes: options.maxBufferedBytes ?? DEFAULTS.maxBufferedBytes,
    // The handshake is a write that brings the client no message.
    maxWrites: maxStreamWrites === 0 ? 0 : maxStreamWrites + 1,
    now: options.monotonicNow ?? (() => performance.now()),
    logger: options.logger,
    streams: options.streams,
    budget: options.budget,
    heartbeat:
      runtime.isOneProcess === true
        ? new SharedHeartbeat(interval)
        : new IntervalHeartbeat(interval),
    onStart: (clientId) => clientLimits.letIn(clientId),
    onEnd: (clientId, reason) => {
      clientLimits.left(clientId);
      return hooks?.onDisconnect?.({ clientId, reason });
    },
  };
}
