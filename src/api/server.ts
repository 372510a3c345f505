import { Hono } from "hono";
import { createMemoryLog } from "../log/memory.ts";
import { monotonicClock } from "../realtime/clock.ts";
import { type ManagerOptions, RealtimeManager } from "../realtime/manager.ts";
import type { PublishInput } from "../realtime/message.ts";
import { protectLogger } from "../realtime/protected-logger.ts";
import { createInProcessRegistry } from "../registry/in-process/registry.ts";
import type { ClientRegistry, PublishReceipt } from "../registry/registry.ts";
import { ActiveStreams } from "../stream/active-streams.ts";
import { WaitingBudget } from "../stream/waiting-budget.ts";
import { Auth } from "./auth/auth.ts";
import { checkOptions } from "./check-options.ts";
import { errorResponse, handleError } from "./error-response.ts";
import { createSubscribeHook } from "./hooks.ts";
import { DEFAULTS, limitsOf } from "./limits.ts";
import { createLogger } from "./logger.ts";
import { ClientLimits } from "./middleware/client-limits.ts";
import { limitPublishers } from "./middleware/publish-limit.ts";
import { createCostLimit, createRateLimit } from "./middleware/rate-limit.ts";
import { RefusalDelay } from "./middleware/refusal-delay.ts";
import { RequestQueue } from "./middleware/request-queue.ts";
import { mount } from "./mount.ts";
import type { ServerOptions } from "./options.ts";
import { RefusedRequests } from "./refused-requests.ts";
import type { ServerCounts } from "./routes/metrics.ts";
import { createMessageReader } from "./routes/publish.ts";
import { createUnknownClient } from "./unknown-client.ts";

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
  const introspectionLimit = createRateLimit(
    limits.connectsPerSecond,
    "tokens to ask about",
    monotonicNow,
  );
  const auth = new Auth({
    ...{
      ...options,
      ...limits,
      runtime,
      origins,
      now,
      monotonicNow,
      logger,
      introspectionLimit,
    },
  });
  const askSubscribe = createSubscribeHook(options.hooks ?? {}, limits);
  const clientLimits = new ClientLimits({
    connectsPerSecond: limits.connectsPerSecond,
    maxClientsPerAddress: options.maxClientsPerAddress ?? DEFAULTS.maxClientsPerAddress,
    now: monotonicNow,
  });
  const refusals = new RefusedRequests();
  const limitScan = createCostLimit(
    limits.historyScanPerSecond,
    "messages to look through",
    monotonicNow,
    { onRefused: refusals.counterOf("history_scan") },
  );
  const limitPublishes = limitPublishers(limits, monotonicNow, refusals);
  const refusalDelay = new RefusalDelay({
    isOn: limits.connectsPerSecond > 0,
    addressOf: (c) => auth.addressOf(c),
    now: monotonicNow,
  });
  const streams = new ActiveStreams();
  const budget = new WaitingBudget(
    options.maxWaitingBytes ?? DEFAULTS.maxWaitingBytes,
    options.maxWaitingBytesPerAddress ?? DEFAULTS.maxWaitingBytesPerAddress,
  );
  const counts = (): ServerCounts => ({
    logLinesDropped: logger.dropped,
    waitingBytes: budget.bytes,
    connectionsRefused: runtime.connectionsRefused?.() ?? 0,
    refusedCredentials: auth.refusedCredentialCount,
    rateRefusals: refusals.counts,
  });
  let isClosing = false;

  const app = new Hono();
  app.onError((error, c) => handleError(error, c, logger));
  app.notFound((c) => errorResponse(c, 404, "There is nothing at this address."));
  mount(app, {
    ...{ options, registry, runtime, auth, limits, logger, now, monotonicNow },
    ...{ streams, budget, clientLimits, refusalDelay, askSubscribe, counts },
    ...{ entrance: new RequestQueue(runtime.nextTurn), limitScan, limitPublishes },
    isClosing: () => isClosing,
    unknownClient: createUnknownClient(registry, logger),
  });

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
      await streams.whenEmpty();
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
