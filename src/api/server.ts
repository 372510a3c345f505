import { type Handler, Hono, type MiddlewareHandler } from "hono";
import { createMemoryLog } from "../log/memory.ts";
import { monotonicClock } from "../realtime/clock.ts";
import { type ManagerOptions, RealtimeManager } from "../realtime/manager.ts";
import type { PublishInput } from "../realtime/message.ts";
import { protectLogger } from "../realtime/protected-logger.ts";
import { createInProcessRegistry } from "../registry/in-process.ts";
import type { ClientRegistry, PublishReceipt } from "../registry/registry.ts";
import { disconnectClient, listClients, listTopics, readClient, revoke } from "./admin.ts";
import { noteArrival } from "./arrival.ts";
import { Auth } from "./auth.ts";
import { limitBody } from "./body.ts";
import { ClientLimits } from "./client-limits.ts";
import { showConsole } from "./console/routes.ts";
import { showDocs } from "./docs.ts";
import { errorResponse, handleError } from "./errors.ts";
import { createUnknownClient } from "./foreign-clients.ts";
import { showHealth, showReady } from "./health.ts";
import { readMessages } from "./history.ts";
import { createAskSubscribe } from "./hooks.ts";
import { checkOptions } from "./known-options.ts";
import { createLogger } from "./logger.ts";
import { createMessageReader, publishMessages, requirePublisher } from "./messages.ts";
import { type ServerCounts, showMetrics } from "./metrics.ts";
import { OpenStreams } from "./open-streams.ts";
import { describeAPI } from "./openapi.ts";
import { DEFAULTS, limitsOf, type ServerOptions } from "./options.ts";
import { allowOrigins, protectAnswers } from "./origins.ts";
import { limitPublishers } from "./publish-limit.ts";
import { checkQuery, createReadConnect } from "./query.ts";
import { createCostLimit, createRateLimit } from "./rate-limit.ts";
import { RefusalDelay } from "./refusal-delay.ts";
import { Refusals } from "./refusals.ts";
import { connect } from "./stream.ts";
import { createStreamGuard } from "./stream-refusals.ts";
import { subscribe } from "./subscribe.ts";
import { WaitingBudget } from "./waiting-budget.ts";

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
   * Ends every stream: what was accepted is written, then `retry:`, then the end. New streams get `retry:` and the end.
   * Resolves when the last one is written out. The deadline is the caller's.
   */
  close(): Promise<void>;
}

/** Makes the service. Nothing listens and no timer runs until a client comes. */
export function createServer(options: ServerOptions = {}): RealtimeServer {
  checkOptions(options);
  const monotonicNow = monotonicClock(options);
  const logger = protectLogger(
    options.logger ?? createLogger({ level: "warn", write: console.error }),
    monotonicNow,
  );
  const realtimeManager = options.registry
    ? undefined
    : (options.realtimeManager ?? createManager({ ...options, logger }));
  const registry =
    options.registry ??
    createInProcessRegistry({
      manager: realtimeManager as RealtimeManager,
      log: options.log ?? createMemoryLog({ now: options.now, monotonicNow: options.monotonicNow }),
    });
  const { runtime = {}, now = Date.now } = options;
  // Without `origins` the cross-origin policy is the host app's.
  const { origins = [] } = options;
  const limits = limitsOf(options);
  const limitAsks = createRateLimit(limits.connectsPerSecond, "tokens to ask about", monotonicNow);
  const auth = new Auth({
    ...{ ...options, ...limits, runtime, origins, now, monotonicNow, logger, limitAsks },
  });
  const askSubscribe = createAskSubscribe(options.hooks ?? {}, limits);
  const clientLimits = new ClientLimits({
    connectsPerSecond: limits.connectsPerSecond,
    maxClientsPerAddress: options.maxClientsPerAddress ?? DEFAULTS.maxClientsPerAddress,
    now: monotonicNow,
  });
  const refusals = new Refusals();
  const limitScan = createCostLimit(
    limits.historyScanPerSecond,
    "messages to look through",
    monotonicNow,
    { onRefused: refusals.counterOf("history_scan") },
  );
  const limitPublishes = limitPublishers(limits, monotonicNow, refusals);
  const admin = auth.requireAdmin;
  const bounded = limitBody(limits, (c) => auth.addressOf(c), runtime);
  const limitConnects: MiddlewareHandler = async (c, next) => {
    clientLimits.connect(auth.addressOf(c));
    return next();
  };
  const limitReads: MiddlewareHandler = async (c, next) => {
    clientLimits.readHistory(auth.addressOf(c));
    return next();
  };
  const unknownClient = createUnknownClient(registry, logger);
  const refusalDelay = new RefusalDelay({
    isOn: limits.connectsPerSecond > 0,
    addressOf: (c) => auth.addressOf(c),
    now: monotonicNow,
  });
  const streams = new OpenStreams();
  const refuseForNow = createStreamGuard({ logger, streams });
  const budget = new WaitingBudget(
    options.maxWaitingBytes ?? DEFAULTS.maxWaitingBytes,
    options.maxWaitingBytesPerAddress ?? DEFAULTS.maxWaitingBytesPerAddress,
  );
  const counts = (): ServerCounts => ({
    logLinesDropped: logger.dropped,
    waitingBytes: budget.bytes,
    connectionsRefused: runtime.connectionsRefused?.() ?? 0,
    refusedCredentials: auth.refusedCredentials,
    rateRefusals: refusals.counts,
  });
  let isClosing = false;

  const app = new Hono();
  app.onError((error, c) => handleError(error, c, logger));
  app.notFound((c) => errorResponse(c, 404, "There is nothing at this address."));
  const { health = false, metrics = "off" } = options;
  // The console's documentation links to the document.
  const openapi = options.openapi ?? options.console ?? false;
  const isServed = (path: string) =>
    path.startsWith("/api/realtime") ||
    (path === "/metrics" ? metrics !== "off" : path === "/api/openapi.json" ? openapi : health);
  // The service's own addresses only: every other address belongs to the app that this is mounted in.
  for (const path of [
    "/api/realtime",
    "/api/realtime/*",
    ...(health ? ["/api/health", "/api/health/ready"] : []),
    ...(openapi ? ["/api/openapi.json"] : []),
  ]) {
    if (options.origins !== undefined) app.use(path, allowOrigins(origins));
    app.use(path, protectAnswers);
  }

  app.get(
    "/api/realtime",
    refuseForNow(limitConnects),
    refuseForNow(
      connect({
        ...{ ...options, registry, runtime, auth, logger, monotonicNow, streams },
        ...{ askSubscribe, clientLimits, budget },
        readConnect: createReadConnect(limits),
      }),
    ),
  );
  app.post(
    "/api/realtime",
    noteArrival(now),
    refusalDelay.slowDown(auth.identifyFirst),
    bounded,
    refusalDelay.slowDown(
      subscribe({ registry, auth, limits, askSubscribe, clientLimits, unknownClient }),
    ),
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
  app.get("/api/realtime/clients", admin, listClients(registry));
  app.get("/api/realtime/clients/:id", admin, readClient(registry, unknownClient));
  app.delete("/api/realtime/clients/:id", admin, disconnectClient(registry, unknownClient));
  app.get("/api/realtime/topics", admin, listTopics(registry));
  app.post("/api/realtime/revoke", admin, bounded, revoke(registry));
  app.get("/api/realtime/stats", admin, async (c) => {
    checkQuery(c);
    return c.json({ ...(await registry.stats()), ...counts() });
  });
  if (health) {
    app.get("/api/health", showHealth);
    app.get(
      "/api/health/ready",
      showReady(registry, () => isClosing),
    );
  }
  if (openapi) app.get("/api/openapi.json", describeAPI(limits, isServed));
  if (metrics !== "off") app.use("/metrics", protectAnswers);
  if (metrics === "admin") app.use("/metrics", admin);
  if (metrics !== "off") app.get("/metrics", showMetrics(registry, counts));
  if (options.console === true) {
    app.get("/", showConsole);
    // Mounted at /live, "/" is /live alone. This is /live/: a parameter without text. With `{$}` the host's router throws in
    // Hono before 4.13.
    app.get("/:end{.{0}}", showConsole);
    app.get("/api/docs", showDocs(limits, isServed));
  }

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

  const createMessages = createMessageReader(limits);
  return {
    app,
    realtimeManager,
    registry,
    publish: async (...inputs) => registry.publish(createMessages(inputs)),
    async close() {
      isClosing = true;
      streams.stop();
      refusalDelay.end();
      await registry.close();
      await streams.ended();
    },
  };
}

/** A manager with the default bounds where an option is left out. */
function createManager(options: ManagerOptions): RealtimeManager {
  return new RealtimeManager({
    ...options,
    maxClients: options.maxClients ?? DEFAULTS.maxClients,
    maxClientsPerAddress: options.maxClientsPerAddress ?? DEFAULTS.maxClientsPerAddress,
    maxKeys: options.maxKeys ?? DEFAULTS.maxKeys,
    maxKeysPerAddress: options.maxKeysPerAddress ?? DEFAULTS.maxKeysPerAddress,
    maxKeyCharacters: options.maxKeyCharacters ?? DEFAULTS.maxKeyCharacters,
    maxKeyCharactersPerAddress:
      options.maxKeyCharactersPerAddress ?? DEFAULTS.maxKeyCharactersPerAddress,
    authGrace: options.authGrace ?? DEFAULTS.authGrace,
  });
}

/** Answers 405 on a known path; it stands behind the path's own methods. */
function allowOnly(methods: string): Handler {
  return (c) => {
    c.header("Allow", methods);
    return errorResponse(c, 405, `${c.req.method} is not possible here. Use ${methods}.`);
  };
}
