import type { Context } from "hono";
import type { SSEStreamingApi } from "hono/streaming";
import type { ProtectedLogger } from "../realtime/protected-logger.ts";
import type { TopicRules } from "../realtime/topic-rules.ts";
import type { Tracing } from "../realtime/tracing-port.ts";
import type { Milliseconds } from "../realtime/units.ts";
import type { ClientRegistry } from "../registry/registry.ts";
import type { ActiveStreams } from "../stream/active-streams.ts";
import type { Heartbeat } from "../stream/heartbeat.ts";
import type { SinkListener } from "../stream/sink.ts";
import type { WaitingBudget } from "../stream/waiting-budget.ts";
import type { Auth } from "./auth/auth.ts";
import type { Asker } from "./callbacks/asker.ts";
import type { Teller } from "./callbacks/teller.ts";
import type { TemplateSource } from "./console/template.ts";
import type { RefusedRequests } from "./counters.ts";
import type { Hooks } from "./hooks.ts";
import type { ServerLimits } from "./limits.ts";
import type { AddressRateLimits } from "./middleware/address-rate-limits.ts";
import type { PublishLimit } from "./middleware/publish-limit.ts";
import type { CostLimit, RateLimit } from "./middleware/rate-limit.ts";
import type { RefusalDelay } from "./middleware/refusal-delay.ts";
import type { RequestQueue } from "./middleware/request-queue.ts";
import type { OpenedSink, Runtime } from "./runtime.ts";

/**
 * What the routes and middleware of one server share. `createServerWith` makes it once, with every default applied. A function
 * `(context: ServerContext) => Handler` makes a route that needs it. (Hono's own `Context`, `c`, belongs to a request.)
 */
export interface ServerContext {
  readonly registry: ClientRegistry;
  readonly auth: Auth;
  readonly limits: ServerLimits;
  readonly endpoints: OptionalEndpoints;
  /** The templates of the console, the page of the HTTP API and the OpenAPI document. */
  readonly templates: TemplateSource;
  /** Origins that may use the service from a browser. Undefined leaves CORS to the app that mounts the service. */
  readonly origins: readonly string[] | undefined;
  readonly hooks: Hooks;
  /** Asks the backend of the option `callbacks`. */
  readonly asker: Asker | undefined;
  /** Sends events to this backend. Undefined on Workers. */
  readonly teller: Teller | undefined;
  readonly topicRules: TopicRules;
  readonly tracing: Tracing | undefined;
  readonly logger: ProtectedLogger;
  readonly clocks: ServerClocks;
  readonly runtime: Runtime;
  /** Opens the sink of a stream for which `Runtime.openSink` has opened none. */
  readonly openSink: (
    c: Context,
    stream: SSEStreamingApi,
    listener: SinkListener,
    runtime: Runtime,
  ) => OpenedSink;
  /** @param isOneProcess `Runtime.isOneProcess`. */
  readonly createHeartbeat: (interval: Milliseconds, isOneProcess: boolean) => Heartbeat;
  readonly streams: ActiveStreams;
  /** Counts the bytes that clients have not taken yet. */
  readonly budget: WaitingBudget;
  readonly rateLimits: RateLimits;
  readonly refusalDelay: RefusalDelay;
  /** Undefined on Workers. */
  readonly requestQueue: RequestQueue | undefined;
  /** Counts the requests that `publish`, `presence` and `historyScan` in `rateLimits` have refused, for stats and metrics. */
  readonly counters: RefusedRequests;
  /**
   * Whether the server has begun to stop. Not an `AbortSignal`: in workerd a signal belongs to the request that created it, and
   * the server outlives that request.
   */
  readonly isClosing: () => boolean;
}

/** The clocks of a server (`Clocks` in realtime/clock.ts), with their defaults applied. */
export interface ServerClocks {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds since an arbitrary moment. Never set back. */
  readonly monotonicNow: () => number;
  /** The clock for the arrival of requests (`createArrivalClock`). */
  readonly nextArrival: () => number;
}

/** Paths that exist only when an option turns them on. */
export interface OptionalEndpoints {
  /** `GET /` and `GET /api/docs`. */
  readonly console: boolean;
  /** `GET /api/health` and `GET /api/health/ready`. */
  readonly health: boolean;
  /** `GET /api/openapi.json`. */
  readonly openapi: boolean;
  /** `GET /metrics`, and who may read it. */
  readonly metrics: "admin" | "open" | "off";
}

/** The rate limits of requests. Auth has its own limits, for tokens and wrong credentials. */
export interface RateLimits {
  /** Streams opened, subscriptions set and histories read, by address. */
  readonly addresses: AddressRateLimits;
  /** Messages and bytes published, by identity; those of guests, by network. */
  readonly publish: PublishLimit;
  /** Requests that change the info of a member, by identity. */
  readonly presence: RateLimit;
  /** Messages scanned by reads of the history, by network. */
  readonly historyScan: CostLimit;
}
