import type { Context, Handler } from "hono";
import { streamSSE } from "hono/streaming";
import { nanoid } from "nanoid";
import { networkOf } from "../../realtime/access/ip-address.ts";
import { STREAM_HEADERS } from "../../stream/headers.ts";
import { guardBody } from "../../stream/response-guard.ts";
import { StreamSession } from "../../stream/session.ts";
import type { SessionSettings } from "../../stream/session-settings.ts";
import type { ServerContext } from "../context.ts";
import { spanOf } from "../middleware/trace-request.ts";
import { createSubscribeHook, runHook } from "../run-hooks.ts";
import { asksToClose, type OpenedSink, type Runtime } from "../runtime.ts";
import { createConnectReader } from "../schemas/query.ts";
import { topicsOf } from "../schemas/subscription-keys.ts";

/** `GET /api/realtime`: opens a client's stream. `StreamSession` serves it from the handshake to its end. */
export function connect(context: ServerContext): Handler {
  const { registry, auth, hooks, asker, teller, limits, runtime, requestQueue } = context;
  const readQuery = createConnectReader(limits);
  const runSubscribeHook = createSubscribeHook(context);
  const settings = createSessionSettings(context);
  return async (c) => {
    // Hono runs this handler for HEAD too, and discards the body. A stream opened for HEAD would never be closed.
    if (c.req.method === "HEAD") return streamResponse(c, null, runtime);
    await requestQueue?.enter();
    const { withPingEvent, topics, ...query } = readQuery(c);
    const caller = await auth.authorizeConnect(c, topicsOf(topics));
    const { principal = caller, subscriptions } = (await asker?.connect(c, caller, topics)) ?? {};
    const { ip, identity } = principal;
    const given = subscriptions ?? topics;
    const keys = given.length === 0 ? given : await runSubscribeHook(c, given, principal);
    const connection = await registry.open({ ...query, ...principal, topics: keys });
    spanOf(c)?.addClient(connection.clientId, keys.length);
    try {
      const event = { clientId: connection.clientId, ip, identity, subscriptions: keys };
      await runHook("onConnect", () => hooks.onConnect?.(event, c));
    } catch (error) {
      connection.close("client");
      throw error;
    }
    const user = principal.isAdmin === true ? undefined : identity;
    teller?.tell({ type: "connected", clientId: connection.clientId, identity: user });
    const session = new StreamSession(settings, connection, ip && networkOf(ip), withPingEvent);
    let body: ReadableStream | null = null;
    let headers: OpenedSink["headers"];
    streamSSE(c, (stream) => {
      const opened =
        runtime.openSink?.(c, stream, session) ?? context.openSink(c, stream, session, runtime);
      body = opened.body ?? stream.responseReadable;
      headers = opened.headers;
      void session.start(opened.sink);
      return session.honoStreamDone;
    });
    const response = streamResponse(c, body, runtime, headers);
    guardBody(response, () => session.onReadWhole());
    // If middleware has set headers on `c.res`, Hono would replace this response with a copy that lacks the guard.
    c.res = undefined;
    c.res = response;
    return response;
  };
}

/** The response, with the headers of docs/protocol.md in place of those that `streamSSE` sets. */
function streamResponse(
  c: Context,
  body: ReadableStream | null,
  { httpVersion }: Runtime,
  headers: OpenedSink["headers"] = {},
): Response {
  if ((httpVersion?.(c) ?? "1.1") !== "1.1") {
    // HTTP/1.0 has no chunked encoding, and HTTP/2 forbids both headers.
    c.header("Connection", undefined);
    c.header("Transfer-Encoding", undefined);
  } else {
    c.header("Connection", asksToClose(c.req.raw.headers) ? "close" : "keep-alive");
  }
  // Middleware that computes an ETag would read the whole response, which does not end. Such middleware leaves a response alone
  // that already has an ETag. Each stream has a different ETag, so that no response is ever "not modified".
  const own = { ...STREAM_HEADERS, ETag: `W/"${nanoid()}"` };
  // `c.body` has no overload for "a stream or null" with headers, though it accepts both.
  return c.body(body as ReadableStream, 200, { ...own, ...headers });
}

function createSessionSettings(context: ServerContext): SessionSettings {
  const { limits, clocks, logger, streams, budget, runtime, hooks, teller, rateLimits } = context;
  const { pingInterval, staleTimeout, maxStreamWrites } = limits;
  // The heartbeat also finds stale clients. Its interval divides that of the pings, so that pings are on time, and is at most
  // `staleTimeout`.
  const interval = pingInterval / Math.ceil(pingInterval / staleTimeout);
  return {
    pingInterval,
    staleTimeout,
    handshakeTimeout: limits.handshakeTimeout,
    maxBufferedBytes: limits.maxBufferedBytes,
    // One more for the handshake, which is a write too.
    maxWrites: maxStreamWrites === 0 ? 0 : maxStreamWrites + 1,
    now: clocks.monotonicNow,
    logger,
    streams,
    budget,
    heartbeat: context.createHeartbeat(interval, runtime.isOneProcess === true),
    onStart: (clientId) => rateLimits.addresses.addNewClient(clientId),
    onEnd: (clientId, reason) => {
      rateLimits.addresses.removeClient(clientId);
      teller?.tell({ type: "disconnected", clientId, reason });
      return hooks.onDisconnect?.({ clientId, reason });
    },
  };
}
