import type { Handler, Hono } from "hono";
import type { Tracing } from "../realtime/tracing-port.ts";
import { showConsole, showDocs } from "./console/routes.ts";
import type { ServerContext } from "./context.ts";
import { errorResponse } from "./error-response.ts";
import { recordArrivalTime } from "./middleware/arrival-time.ts";
import { limitBody } from "./middleware/body-limit.ts";
import { allowOrigins } from "./middleware/cors.ts";
import { limitConnects, limitHistoryReads } from "./middleware/limit-by-address.ts";
import { requirePublisher } from "./middleware/require-publisher.ts";
import { securityHeaders } from "./middleware/security-headers.ts";
import { createTemporaryErrorHandler } from "./middleware/temporary-errors.ts";
import { traceRequest } from "./middleware/trace-request.ts";
import {
  disconnectClient,
  eraseHistory,
  listCallbacks,
  listClients,
  listTopics,
  revoke,
  showClient,
  showTopicRules,
} from "./routes/admin.ts";
import { connect } from "./routes/connect.ts";
import { showHealth, showReady } from "./routes/health.ts";
import { showHistory } from "./routes/history.ts";
import { showMetrics } from "./routes/metrics.ts";
import { showOpenAPI } from "./routes/openapi.ts";
import { changeInfo, showPresence } from "./routes/presence.ts";
import { publish } from "./routes/publish.ts";
import { showStats } from "./routes/stats.ts";
import { subscribe } from "./routes/subscribe.ts";

/**
 * Mounts every route of the service with its middleware. The middleware runs only for the service's own paths. All other paths
 * belong to the app that mounts the service.
 */
export function mount(app: Hono, context: ServerContext): void {
  const { endpoints, tracing } = context;
  if (tracing !== undefined) mountTracing(app, tracing);
  mountHeaders(app, context);
  mountRealtime(app, context);
  mountAdministration(app, context);
  if (endpoints.health) {
    app.get("/api/health", showHealth);
    app.get("/api/health/ready", showReady(context));
  }
  if (endpoints.openapi) app.get("/api/openapi.json", showOpenAPI(context));
  // Only the routes above. `/` and `/metrics` are common paths, and the app that mounts the service may handle other methods there.
  refuseOtherMethods(app);
  if (endpoints.metrics !== "off") app.get("/metrics", showMetrics(context));
  if (endpoints.console) {
    const handler = showConsole(context);
    app.get("/", handler);
    // When the service is mounted at /base, the route "/" matches /base only. This route matches /base/, by a parameter that is
    // empty. The pattern `{$}` would make Hono before 4.13 throw when the service is mounted.
    app.get("/:end{.{0}}", handler);
    app.get("/api/docs", showDocs(context));
  }
}

function mountTracing(app: Hono, tracing: Tracing): void {
  app.get("/api/realtime", traceRequest(tracing, "connect"));
  app.post("/api/realtime", traceRequest(tracing, "subscribe"));
  app.post("/api/realtime/messages", traceRequest(tracing, "publish"));
}

/** CORS, security headers, and the admin key for metrics, for every method of a path. */
function mountHeaders(app: Hono, { auth, endpoints, origins }: ServerContext): void {
  const paths = ["/api/realtime", "/api/realtime/*"];
  if (endpoints.health) paths.push("/api/health", "/api/health/ready");
  if (endpoints.openapi) paths.push("/api/openapi.json");
  for (const path of paths) {
    if (origins !== undefined) app.use(path, allowOrigins(origins));
    app.use(path, securityHeaders);
  }
  if (endpoints.metrics !== "off") app.use("/metrics", securityHeaders);
  if (endpoints.metrics === "admin") app.use("/metrics", auth.requireAdmin);
}

/** Streams, subscriptions, messages and members. */
function mountRealtime(app: Hono, context: ServerContext): void {
  const { auth, refusalDelay } = context;
  const orReconnect = createTemporaryErrorHandler(context);
  const readBody = limitBody(context);
  app.get("/api/realtime", orReconnect(limitConnects(context)), orReconnect(connect(context)));
  app.post(
    "/api/realtime",
    recordArrivalTime(context),
    refusalDelay.delayRefusals(auth.authenticateBeforeBody),
    readBody,
    refusalDelay.delayRefusals(subscribe(context)),
  );
  app.get("/api/realtime/messages", limitHistoryReads(context), showHistory(context));
  app.post("/api/realtime/messages", requirePublisher(context), readBody, publish(context));
  app.get("/api/realtime/presence", limitHistoryReads(context), showPresence(context));
  app.post("/api/realtime/presence", auth.authenticateBeforeBody, readBody, changeInfo(context));
  app.post("/api/realtime/revoke", auth.requireAdmin, readBody, revoke(context));
}

/** Lists, counts, the end of a client's stream, and erasure of the history, for holders of the admin key. */
function mountAdministration(app: Hono, context: ServerContext): void {
  const { requireAdmin } = context.auth;
  app.get("/api/realtime/clients", requireAdmin, listClients(context));
  app.get("/api/realtime/clients/:id", requireAdmin, showClient(context));
  app.delete("/api/realtime/clients/:id", requireAdmin, disconnectClient(context));
  app.get("/api/realtime/topics", requireAdmin, listTopics(context));
  app.get("/api/realtime/topics/rules", requireAdmin, showTopicRules(context));
  app.delete("/api/realtime/messages", requireAdmin, eraseHistory(context));
  app.get("/api/realtime/callbacks", requireAdmin, listCallbacks(context));
  app.get("/api/realtime/stats", requireAdmin, showStats(context));
}

/**
 * Responds with 405 to the methods that the routes mounted so far don't have. Hono's `methodNotAllowed` would run the rest of
 * the mounting app first, where a catch-all route (a page, a proxy) would respond instead.
 */
function refuseOtherMethods(app: Hono): void {
  const methodsByPath = new Map<string, Set<string>>();
  for (const { method, path } of app.routes) {
    // Routes of `app.use` and `app.all`.
    if (method === "ALL") continue;
    const methods = methodsByPath.get(path) ?? new Set();
    methodsByPath.set(path, methods.add(method));
  }
  for (const [path, methods] of methodsByPath) app.all(path, allowOnly([...methods].join(", ")));
}

function allowOnly(methods: string): Handler {
  return (c) => {
    c.header("Allow", methods);
    return errorResponse(c, 405, `${c.req.method} is not possible here. Use ${methods}.`);
  };
}
