import { type Handler, Hono, type MiddlewareHandler } from "hono";
import { createMemoryLog } from "../log/memory.ts";
import { networkOf } from "../realtime/address.ts";
import { type ManagerOptions, RealtimeManager } from "../realtime/manager.ts";
import type { PublishInput } from "../realtime/message.ts";
import { createInProcessRegistry } from "../registry/in-process.ts";
import type { ClientRegistry, PublishReceipt } from "../registry/registry.ts";
import { disconnectClient, listClients, listTopics, readClient, revoke } from "./admin.ts";
import { Auth } from "./auth.ts";
import { limitBody } from "./body.ts";
import { showConsole } from "./console/routes.ts";
import { showDocs } from "./docs.ts";
import { errorResponse, handleError } from "./errors.ts";
import { showHealth, showReady } from "./health.ts";
import { readMessages } from "./history.ts";
import { createAskSubscribe } from "./hooks.ts";
import { createLogger } from "./logger.ts";
import { createMessageReader, publishMessages, requirePublisher } from "./messages.ts";
import { showMetrics } from "./metrics.ts";
import { OpenStreams } from "./open-streams.ts";
import { describeAPI } from "./openapi.ts";
import { DEFAULTS, limitsOf, type ServerOptions } from "./options.ts";
import { allowOrigins, protectAnswers } from "./origins.ts";
import { createReadConnect } from "./query.ts";
import { limitPublishers } from "./publish-limit.ts";
import { createCostLimit, createRateLimit } from "./rate-limit.ts";
import { Refusals } from "./refusals.ts";
import { connect } from "./stream.ts";
import { subscribe } from "./subscribe.ts";

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
  const limits = limitsOf(options);
  const limitAsks = createRateLimit(limits.connectsPerSecond, "tokens to ask about", now);
  const auth = new Auth({ ...options, runtime, origins, now, limitAsks });
  const askSubscribe = createAskSubscribe(options.hooks ?? {}, limits);
  const limitConnects = createRateLimit(limits.connectsPerSecond, "requests", now);
  const refusals = new Refusals();
  const limitScan = createCostLimit(limits.historyScanPerSecond, "messages to look through", now, {
    onRefused: refusals.counterOf("history_scan"),
  });
  const limitPublishes = limitPublishers(limits, now, refusals);
  const admin = auth.requireAdmin;
  const bounded = limitBody(limits, (c) => auth.addressOf(c));
  const byAddress: MiddlewareHandler = async (c, next) => {
    const ip = auth.addressOf(c);
    if (ip !== undefined) limitConnects(networkOf(ip));
    return next();
  };
  const streams = new OpenStreams();
  let isClosing = false;

  const app = new Hono();
  app.onError((error, c) => handleError(error, c, logger));
  app.notFound((c) => errorResponse(c, 404, "There is nothing at this address."));
  // Of our own addresses only: what else the app has that this is mounted in is not ours to open.
  for (const path of [
    "/api/realtime",
    "/api/realtime/*",
    "/api/health",
    "/api/health/ready",
    "/api/openapi.json",
  ]) {
    app.use(path, allowOrigins(origins), protectAnswers);
  }

  app.get(
    "/api/realtime",
    byAddress,
    connect({
      ...{ ...options, registry, runtime, auth, logger, streams, askSubscribe },
      readConnect: createReadConnect(limits),
    }),
  );
  app.post("/api/realtime", byAddress, bounded, subscribe(registry, auth, limits, askSubscribe));
  app.post(
    "/api/realtime/messages",
    requirePublisher(auth),
    bounded,
    publishMessages(registry, auth, limits, limitPublishes, options.hooks),
  );
  app.get(
    "/api/realtime/messages",
    byAddress,
    readMessages(registry, auth, limits, askSubscribe, limitScan),
  );
  app.get("/api/realtime/clients", admin, listClients(registry));
  app.get("/api/realtime/clients/:id", admin, readClient(registry));
  app.delete("/api/realtime/clients/:id", admin, disconnectClient(registry));
  app.get("/api/realtime/topics", admin, listTopics(registry));
  app.post("/api/realtime/revoke", admin, bounded, revoke(registry));
  app.get("/api/realtime/stats", admin, async (c) => c.json(await registry.stats()));
  app.get("/api/health", showHealth);
  app.get(
    "/api/health/ready",
    showReady(registry, () => isClosing),
  );
  app.get("/api/openapi.json", describeAPI(limits));
  const { metrics = DEFAULTS.metrics } = options;
  if (metrics !== "off") app.use("/metrics", protectAnswers);
  if (metrics === "admin") app.use("/metrics", admin);
  if (metrics !== "off") app.get("/metrics", showMetrics(registry, refusals));
  if (options.console === true) {
    app.get("/", showConsole);
    app.get("/api/docs", showDocs(limits));
  }

  app.all("/api/realtime", allowOnly("GET, POST"));
  app.all("/api/realtime/messages", allowOnly("GET, POST"));
  app.all("/api/realtime/clients", allowOnly("GET"));
  app.all("/api/realtime/clients/:id", allowOnly("GET, DELETE"));
  app.all("/api/realtime/topics", allowOnly("GET"));
  app.all("/api/realtime/revoke", allowOnly("POST"));
  app.all("/api/realtime/stats", allowOnly("GET"));
  app.all("/api/health", allowOnly("GET"));
  app.all("/api/health/ready", allowOnly("GET"));
  app.all("/api/openapi.json", allowOnly("GET"));

  const createMessages = createMessageReader(limits);
  return {
    app,
    realtimeManager,
    registry,
    publish: async (...inputs) => registry.publish(createMessages(inputs)),
    async close() {
      isClosing = true;
      await registry.close();
      await streams.ended();
    },
  };
}

/** With bounds, where nobody said otherwise. */
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
