import type { Hono } from "hono";
import type { PublishReceipt } from "../log/log.ts";
import { createArrivalClock, monotonicClock } from "../realtime/clock.ts";
import type { RealtimeManager } from "../realtime/manager.ts";
import type { PublishInput } from "../realtime/message.ts";
import { type ProtectedLogger, protectLogger } from "../realtime/protected-logger.ts";
import { TopicRules } from "../realtime/topic-rules.ts";
import type { ClientRegistry } from "../registry/registry.ts";
import { ActiveStreams } from "../stream/active-streams.ts";
import { WaitingBudget } from "../stream/waiting-budget.ts";
import { appendMessages } from "./append-messages.ts";
import { Auth } from "./auth/auth.ts";
import { Asker } from "./callbacks/asker.ts";
import type { Teller } from "./callbacks/teller.ts";
import { checkOptions } from "./check-options.ts";
import type { TemplateSource } from "./console/template.ts";
import type { OptionalEndpoints, RateLimits, ServerClocks, ServerContext } from "./context.ts";
import { RefusedRequests } from "./counters.ts";
import { handleError, notFoundResponse } from "./error-response.ts";
import { type ServerLimits, withDefaults } from "./limits.ts";
import { createJSONLogger } from "./logger.ts";
import { AddressRateLimits } from "./middleware/address-rate-limits.ts";
import { createPublishLimit } from "./middleware/publish-limit.ts";
import { createCostLimit, createRateLimit } from "./middleware/rate-limit.ts";
import { RefusalDelay } from "./middleware/refusal-delay.ts";
import { mount } from "./mount.ts";
import type { ServerOptions } from "./options.ts";
import { withMessageIds } from "./publish-failure.ts";
import type { Runtime } from "./runtime.ts";
import { createMessageParser } from "./schemas/message.ts";

/** A service: a Hono app, and what the embedding app needs to publish and to stop. */
export interface RealtimeServer {
  /** Serve `app.fetch`, or mount the app in yours: `yours.route("/", app)`. */
  readonly app: Hono;
  /** The manager of the default registry; undefined when the options have a registry. */
  readonly realtimeManager: RealtimeManager | undefined;
  readonly registry: ClientRegistry;
  /**
   * Publishes messages. Resolves when the log has them, with one receipt for each. Hooks and rate limits don't apply. A message
   * with `private: false` is public even if a topic rule says `private`.
   *
   * @throws RealtimeError `invalid_input`, `too_large` or `invalid_event` when a message breaks a rule, `id_reused` when an
   *   earlier message has the same id and other content, `closed` when the server is stopping, `storage_failed` when a log on
   *   disk can't be written, and `unreachable` when a shard on Workers or the Redis of several processes can't be reached. The
   *   last three have the ids of the messages (`RealtimeError.ids`).
   */
  publish(...inputs: readonly PublishInput[]): Promise<readonly PublishReceipt[]>;
  /**
   * Ends every stream: writes the accepted messages, then `retry:`, then ends the response. A stream that is opened after this
   * call gets only `retry:` and ends. Resolves when all streams have ended. There is no deadline: a caller that needs one sets
   * it.
   */
  close(): Promise<void>;
}

/** What the parts of a service are made of, besides options. */
export interface Basics {
  readonly limits: ServerLimits;
  readonly logger: ProtectedLogger;
  readonly clocks: ServerClocks;
}

/** A registry, and its manager if the manager is in this process. */
export interface RegistryAndManager extends Pick<RealtimeServer, "registry" | "realtimeManager"> {
  /** Undefined if no backend gets events. */
  readonly teller?: Teller | undefined;
}

/** The parts of a service that differ between a process and a Worker. */
export interface ServerParts {
  /** A new app, to which the routes of the service are added. */
  readonly app: Hono;
  readonly createRegistry: (basics: Basics) => RegistryAndManager;
  readonly openSink: ServerContext["openSink"];
  readonly createHeartbeat: ServerContext["createHeartbeat"];
  readonly requestQueue: ServerContext["requestQueue"];
  /** Used only with the options `console` and `openapi`. */
  readonly templates: TemplateSource;
}

/**
 * `createServer` with other parts. The Worker calls this function, because `createServer` would add the parts of a process to
 * its bundle.
 */
export function createServerWith(parts: ServerParts, options: ServerOptions): RealtimeServer {
  checkOptions(options);
  let isClosing = false;
  const { context, realtimeManager } = createContext(parts, options, () => isClosing);
  const { app } = parts;
  const { registry, logger, limits, streams, refusalDelay, teller, topicRules, tracing } = context;

  app.onError((error, c) => handleError(error, c, logger));
  app.notFound(notFoundResponse);
  mount(app, context);

  const parseMessages = createMessageParser(limits, topicRules);
  return {
    app,
    realtimeManager,
    registry,
    async publish(...inputs) {
      const messages = parseMessages(inputs, true);
      return appendMessages(context, messages).catch((error: unknown) => {
        throw withMessageIds(error, messages);
      });
    },
    async close() {
      isClosing = true;
      streams.stop();
      refusalDelay.stop();
      await registry.close();
      await streams.whenEmpty();
      await teller?.close();
      await tracing?.flush();
    },
  };
}

function createContext(
  { createRegistry, ...parts }: ServerParts,
  options: ServerOptions,
  isClosing: () => boolean,
): { context: ServerContext; realtimeManager: RealtimeManager | undefined } {
  const { now = Date.now } = options;
  const clocks = {
    now,
    monotonicNow: monotonicClock(options),
    nextArrival: createArrivalClock(now),
  };
  const logger = protectLogger(
    options.logger ?? createJSONLogger({ level: "warn", write: console.error }),
    clocks.monotonicNow,
  );
  const limits = withDefaults(options);
  const runtime = options.runtime ?? {};
  const counters = new RefusedRequests();
  const auth = createAuth(options, { limits, logger, clocks, runtime });
  const { registry, realtimeManager, teller } = createRegistry({ limits, logger, clocks });
  const topicRules = new TopicRules(options.topics);
  const context = {
    registry,
    auth,
    limits,
    endpoints: endpointsOf(options),
    ...parts,
    origins: options.origins,
    hooks: options.hooks ?? {},
    asker: createAsker(options, { limits, clocks, runtime }, topicRules),
    teller,
    topicRules,
    tracing: options.tracing,
    logger,
    clocks,
    runtime,
    streams: new ActiveStreams(),
    budget: new WaitingBudget(limits.maxWaitingBytes, limits.maxWaitingBytesPerAddress),
    rateLimits: createRateLimits(limits, clocks, counters),
    refusalDelay: new RefusalDelay({
      isOn: limits.connectsPerSecond > 0,
      addressOf: (c) => auth.addressOf(c),
      now: clocks.monotonicNow,
    }),
    counters,
    isClosing,
  };
  return { context, realtimeManager };
}

function createAsker(
  { callbacks }: ServerOptions,
  { limits, clocks, runtime }: Omit<Basics, "logger"> & { readonly runtime: Runtime },
  rules: TopicRules,
): Asker | undefined {
  if (callbacks?.ask === undefined) return undefined;
  const parseMessages = createMessageParser(limits, rules);
  const { isOneProcess = false } = runtime;
  return new Asker(callbacks, { ...clocks, limits, parseMessages, isOneProcess });
}

function createAuth(
  options: ServerOptions,
  { limits, logger, clocks, runtime }: Basics & { readonly runtime: Runtime },
): Auth {
  return new Auth({
    ...options,
    ...clocks,
    logger,
    runtime,
    origins: options.origins ?? [],
    failuresPerSecond: limits.failuresPerSecond,
    introspectionLimit: createRateLimit(
      limits.connectsPerSecond,
      "token checks",
      clocks.monotonicNow,
    ),
  });
}

function createRateLimits(
  limits: ServerLimits,
  { monotonicNow }: ServerClocks,
  counters: RefusedRequests,
): RateLimits {
  return {
    addresses: new AddressRateLimits({
      connectsPerSecond: limits.connectsPerSecond,
      maxClientsPerAddress: limits.maxClientsPerAddress,
      now: monotonicNow,
    }),
    publish: createPublishLimit(limits, monotonicNow, counters),
    presence: createRateLimit(limits.presenceUpdatesPerSecond, "changes of info", monotonicNow, {
      onRefused: counters.counterOf("presence"),
    }),
    historyScan: createCostLimit(
      limits.historyScanPerSecond,
      "scanned history messages",
      monotonicNow,
      { onRefused: counters.counterOf("history_scan") },
    ),
  };
}

function endpointsOf(options: ServerOptions): OptionalEndpoints {
  const { console = false, health = false, metrics = "off" } = options;
  // The console's documentation links to the OpenAPI document.
  return { console, health, metrics, openapi: options.openapi ?? console };
}
