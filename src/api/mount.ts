/** Every route of the service, with what stands in front of each. */
import type { Handler, Hono, MiddlewareHandler } from "hono";
import { showConsole } from "./console/routes.ts";
import { errorResponse } from "./error-response.ts";
import { noteArrival } from "./middleware/arrival.ts";
import { limitBody } from "./middleware/body-limit.ts";
import { allowOrigins, protectAnswers } from "./middleware/cors.ts";
import type { LimitPublisher } from "./middleware/publish-limit.ts";
import type { CostLimit } from "./middleware/rate-limit.ts";
import type { RefusalDelay } from "./middleware/refusal-delay.ts";
import { createStreamGuard } from "./middleware/stream-refusals.ts";
import type { ServerOptions } from "./options.ts";
import { disconnectClient, listClients, listTopics, readClient, revoke } from "./routes/admin.ts";
import { connect, type StreamOptions } from "./routes/connect.ts";
import { showDocs } from "./routes/docs.ts";
import { showHealth, showReady } from "./routes/health.ts";
import { readMessages } from "./routes/history.ts";
import { type ServerCounts, showMetrics } from "./routes/metrics.ts";
import { describeAPI } from "./routes/openapi.ts";
import { publishMessages, requirePublisher } from "./routes/publish.ts";
import { type SubscribeOptions, subscribe } from "./routes/subscribe.ts";
import { checkQuery, createReadConnect } from "./schemas/query.ts";

/** What the routes are made of. */
export interface MountOptions extends Omit<StreamOptions, "readConnect">, SubscribeOptions {
  readonly options: ServerOptions;
  readonly now: () => number;
  readonly limitScan: CostLimit;
  readonly limitPublishes: LimitPublisher;
  readonly refusalDelay: RefusalDelay;
  readonly counts: () => ServerCounts;
  readonly isClosing: () => boolean;
}

/** Adds the routes to an app: those of the service's own addresses, and the pages that options turn on. */
export function mount(app: Hono, parts: MountOptions): void {
  const { health = false, metrics = "off", console = false } = parts.options;
  // The console's documentation links to the document.
  const openapi = parts.options.openapi ?? console;
  const isServed = (path: string) =>
    path.startsWith("/api/realtime") ||
    (path === "/metrics" ? metrics !== "off" : path === "/api/openapi.json" ? openapi : health);
  protectAddresses(app, parts.options, [
    "/api/realtime",
    "/api/realtime/*",
    ...(health ? ["/api/health", "/api/health/ready"] : []),
    ...(openapi ? ["/api/openapi.json"] : []),
  ]);
  mountRealtime(app, parts);
  mountAdministration(app, parts);
  if (health) {
    app.get("/api/health", showHealth);
    app.get("/api/health/ready", showReady(parts.registry, parts.isClosing));
  }
  if (openapi) app.get("/api/openapi.json", describeAPI(parts.limits, isServed));
  if (metrics !== "off") app.use("/metrics", protectAnswers);
  if (metrics === "admin") app.use("/metrics", parts.auth.requireAdmin);
  if (metrics !== "off") app.get("/metrics", showMetrics(parts.registry, parts.counts));
  if (console) {
    app.get("/", showConsole);
    // Mounted at /live, "/" is /live alone. This is /live/: a parameter without text. With `{$}` the host's router throws in
    // Hono before 4.13.
    app.get("/:end{.{0}}", showConsole);
    app.get("/api/docs", showDocs(parts.limits, isServed));
  }
  refuseOtherMethods(app, health, openapi);
}

/** The service's own addresses only: every other address belongs to the app that this is mounted in. */
function protectAddresses(app: Hono, { origins }: ServerOptions, paths: readonly string[]): void {
  for (const path of paths) {
    if (origins !== undefined) app.use(path, allowOrigins(origins));
    app.use(path, protectAnswers);
  }
}

/** Streams, subscriptions and messages. */
function mountRealtime(app: Hono, parts: MountOptions): void {
  const { options, registry, auth, limits, askSubscribe, clientLimits, refusalDelay } = parts;
  const { limitPublishes, limitScan, logger, streams } = parts;
  const refuseForNow = createStreamGuard({ logger, streams });
  const bounded = limitBody(limits, (c) => auth.addressOf(c), parts.runtime);
  const limitConnects: MiddlewareHandler = async (c, next) => {
    clientLimits.connect(auth.addressOf(c));
    return next();
  };
  const limitReads: MiddlewareHandler = async (c, next) => {
    clientLimits.readHistory(auth.addressOf(c));
    return next();
  };
  app.get(
    "/api/realtime",
    refuseForNow(limitConnects),
    refuseForNow(connect({ ...options, ...parts, readConnect: createReadConnect(limits) })),
  );
  app.post(
    "/api/realtime",
    noteArrival(parts.now),
    refusalDelay.slowDown(auth.authenticateBeforeBody),
    bounded,
    refusalDelay.slowDown(subscribe(parts)),
  );
  app.post(
    "/api/realtime/messages",
    requirePublisher(auth),
    bounded,
    publishMessages(registry, auth, limits, limitPublishes, options.hooks),
  );
  app.get(
    "/api/realtime/messages",
    limitReads,
    readMessages(registry, auth, limits, askSubscribe, limitScan),
  );
  app.post("/api/realtime/revoke", auth.requireAdmin, bounded, revoke(registry));
}

function mountAdministration(app: Hono, parts: MountOptions): void {
  const { registry, unknownClient, counts } = parts;
  const admin = parts.auth.requireAdmin;
  app.get("/api/realtime/clients", admin, listClients(registry));
  app.get("/api/realtime/clients/:id", admin, readClient(registry, unknownClient));
  app.delete("/api/realtime/clients/:id", admin, disconnectClient(registry, unknownClient));
  app.get("/api/realtime/topics", admin, listTopics(registry));
  app.get("/api/realtime/stats", admin, async (c) => {
    checkQuery(c);
    return c.json({ ...(await registry.stats()), ...counts() });
  });
}

/** Answers 405 for other methods. It stands behind the methods that each path has. */
function refuseOtherMethods(app: Hono, health: boolean, openapi: boolean): void {
  app.all("/api/realtime", allowOnly("GET, POST"));
  app.all("/api/realtime/messages", allowOnly("GET, POST"));
  app.all("/api/realtime/clients", allowOnly("GET"));
  app.all("/api/realtime/clients/:id", allowOnly("GET, DELETE"));
  app.all("/api/realtime/topics", allowOnly("GET"));
  app.all("/api/realtime/revoke", allowOnly("POST"));
  app.all("/api/realtime/stats", allowOnly("GET"));
  if (health) {
    app.all("/api/health", allowOnly("GET"));
    app.all("/api/health/ready", allowOnly("GET"));
  }
  if (openapi) app.all("/api/openapi.json", allowOnly("GET"));
}

function allowOnly(methods: string): Handler {
  return (c) => {
    c.header("Allow", methods);
    return errorResponse(c, 405, `${c.req.method} is not possible here. Use ${methods}.`);
  };
}
