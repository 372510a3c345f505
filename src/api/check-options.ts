/** Unknown options are refused: a hook with a misspelt name would be an access control that is silently off. */
import { RealtimeError } from "../realtime/errors.ts";
import { nearestName } from "../realtime/nearest-name.ts";
import type { IntrospectionOptions } from "./auth/introspection.ts";
import type { TokenOptions } from "./auth/token-options.ts";
import { type CallbackOptions, checkCallbackOptions } from "./callbacks/options.ts";
import type { Hooks } from "./hooks.ts";
import { DEFAULT_LIMITS, type ServerLimits } from "./limits.ts";
import type { ServerOptions } from "./options.ts";

/** The type `Record` makes the compiler report a name that is missing here. */
const OPTIONS: Record<Exclude<keyof ServerOptions, keyof ServerLimits>, true> = {
  registry: true,
  rules: true,
  realtimeManager: true,
  log: true,
  bus: true,
  history: true,
  rememberedIds: true,
  topics: true,
  presenceGrace: true,
  hooks: true,
  callbacks: true,
  origins: true,
  console: true,
  health: true,
  openapi: true,
  metrics: true,
  runtime: true,
  logger: true,
  tracing: true,
  now: true,
  monotonicNow: true,
  checkAddress: true,
  adminKey: true,
  authenticate: true,
  authorize: true,
  tokens: true,
  introspection: true,
  cookie: true,
  queryToken: true,
  anonymous: true,
  trustedProxyHeader: true,
};

/** Options of `startServer` and results of `readConfig`. They may be passed to `createServer`, but `data` only with a log. */
const OTHER_OPTIONS = [
  "host",
  "port",
  "data",
  "dataSync",
  "redis",
  "drainTimeout",
  "shards",
  "workers",
  "openTelemetry",
  "logLevel",
  "logFormat",
];

const HOOKS: Record<keyof Hooks, true> = {
  onConnect: true,
  onSubscribe: true,
  onMessage: true,
  onDisconnect: true,
};

const TOKENS: Record<keyof TokenOptions, true> = {
  secrets: true,
  publicKeys: true,
  jwksURL: true,
  algorithms: true,
  issuer: true,
  audience: true,
  clockSkew: true,
  allowNoExpiry: true,
};

const INTROSPECTION: Record<keyof IntrospectionOptions, true> = {
  url: true,
  cacheTime: true,
  allowNoExpiry: true,
  clockSkew: true,
  isOneProcess: true,
  now: true,
  monotonicNow: true,
};

const CALLBACKS: Record<keyof CallbackOptions, true> = {
  url: true,
  secret: true,
  ask: true,
  tell: true,
  headers: true,
  timeout: true,
  maxConcurrent: true,
  maxQueue: true,
};

/** An admin key. A shorter key could be guessed. The service accepts no other characters in `Authorization`. */
export const ADMIN_KEY = /^[!-~]{16,255}$/;
/** `ADMIN_KEY` in words, for error messages. */
export const ADMIN_KEY_RULE = "16 to 255 visible ASCII characters without spaces";

/**
 * Checks the names of options and hooks and the admin key. Refuses `rules` that would have no effect.
 *
 * @throws RealtimeError `invalid_config` for the first unknown option or hook, for an admin key that does not match
 *   `ADMIN_KEY`, for a `tracing` without methods, for callbacks (`checkCallbackOptions`), and for rules together with a registry or a manager.
 */
export function checkOptions(options: ServerOptions): void {
  const known = [...Object.keys(OPTIONS), ...Object.keys(DEFAULT_LIMITS), ...OTHER_OPTIONS];
  refuseUnknown("option", options, known);
  refuseUnknown("hook", options.hooks ?? {}, Object.keys(HOOKS));
  refuseUnknown("option of tokens", options.tokens ?? {}, Object.keys(TOKENS));
  const { introspection = {}, callbacks, tracing } = options;
  if (tracing !== undefined && typeof Object(tracing).request !== "function") {
    throw new RealtimeError(
      "invalid_config",
      "tracing must be what createTracing() of pocketwire/tracing returns.",
    );
  }
  refuseUnknown("option of introspection", introspection, Object.keys(INTROSPECTION));
  refuseUnknown("option of callbacks", callbacks ?? {}, Object.keys(CALLBACKS));
  if (callbacks !== undefined) checkCallbackOptions(callbacks);
  if (options.rules !== undefined && (options.registry ?? options.realtimeManager) !== undefined) {
    throw new RealtimeError(
      "invalid_config",
      "rules would not hold, because registry or realtimeManager is set. Pass rules to the constructor of the RealtimeManager.",
    );
  }
  if (options.adminKey === undefined || ADMIN_KEY.test(options.adminKey)) return;
  throw new RealtimeError("invalid_config", `adminKey must be ${ADMIN_KEY_RULE}.`);
}

function refuseUnknown(what: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const nearest = nearestName(unknown, known);
  const hint = nearest === undefined ? "Remove it." : `Did you mean "${nearest}"?`;
  throw new RealtimeError("invalid_config", `There is no ${what} "${unknown}". ${hint}`);
}
