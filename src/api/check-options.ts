/** Refuses unknown options: a misspelt hook would be an access control that is silently off. */
import { RealtimeError } from "../realtime/errors.ts";
import type { IntrospectionOptions } from "./auth/introspection.ts";
import type { TokenOptions } from "./auth/token-options.ts";
import type { Hooks } from "./hooks.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import type { ServerOptions } from "./options.ts";
import { nearestName } from "./schemas/nearest-name.ts";

type OwnOptions = Exclude<keyof ServerOptions, keyof typeof DEFAULT_LIMITS>;

/** `Record` makes the compiler ask for every name, so that none is forgotten. */
const OPTIONS: Record<OwnOptions, true> = {
  ...{ registry: true, realtimeManager: true, log: true, logger: true, now: true, runtime: true },
  ...{ origins: true, pingInterval: true, staleTimeout: true, maxBufferedBytes: true },
  ...{ maxStreamWrites: true, handshakeTimeout: true, hooks: true, console: true },
  ...{ maxClients: true, maxClientsPerAddress: true, checkAddress: true, authGrace: true },
  ...{ maxKeys: true, maxKeysPerAddress: true },
  ...{ maxKeyCharacters: true, maxKeyCharactersPerAddress: true },
  ...{ maxWaitingBytes: true, maxWaitingBytesPerAddress: true, monotonicNow: true },
  ...{ adminKey: true, authenticate: true, authorize: true, tokens: true, introspection: true },
  ...{ health: true, openapi: true, metrics: true },
  ...{ cookie: true, queryToken: true, anonymous: true, trustedProxyHeader: true },
};

/** A shorter key could be guessed. */
export const ADMIN_KEY = /^[!-~]{16,255}$/;
export const ADMIN_KEY_RULE = "16 to 255 visible ASCII characters without spaces";

/** Further names that `startServer` takes or `readConfig` returns: both may be passed to `createServer` as they are. */
const OF_ENTRIES = ["host", "port", "history", "drainTimeout", "shards", "logLevel", "logFormat"];

const HOOKS: Record<keyof Hooks, true> = {
  ...{ onConnect: true, onSubscribe: true, onMessage: true, onDisconnect: true },
};

const TOKENS: Record<keyof TokenOptions, true> = {
  ...{ secrets: true, publicKeys: true, jwksURL: true, algorithms: true },
  ...{ issuer: true, audience: true, clockSkew: true, allowNoExpiry: true },
};

const INTROSPECTION: Record<keyof IntrospectionOptions, true> = {
  ...{ url: true, cacheTime: true, allowNoExpiry: true, clockSkew: true },
  ...{ isOneProcess: true, now: true, monotonicNow: true },
};

/** @throws RealtimeError `invalid_config` for the first unknown option or hook, and for an admin key that can be guessed. */
export function checkOptions(options: ServerOptions): void {
  const known = [...Object.keys(OPTIONS), ...Object.keys(DEFAULT_LIMITS), ...OF_ENTRIES];
  refuseUnknown("option", options, known);
  refuseUnknown("hook", options.hooks ?? {}, Object.keys(HOOKS));
  refuseUnknown("option of tokens", options.tokens ?? {}, Object.keys(TOKENS));
  const { introspection = {} } = options;
  refuseUnknown("option of introspection", introspection, Object.keys(INTROSPECTION));
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
