/** Reads the settings of a Worker from its variables and secrets. */
import { createJSONLogger } from "../../api/logger.ts";
import { findUnknownVariables, type UnknownVariable } from "../../config/contradictions.ts";
import { type ServiceConfig, toServiceConfig } from "../../config/service-config.ts";
import { type Environment, namesOf, RULE_VARIABLES, readTable } from "../../config/table.ts";
import { variables } from "../../config/variables.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import type { Logger } from "../../realtime/types.ts";

const MEBIBYTE = 1024 * 1024;

/** A hub keeps the replay position of each subscription in the attachment of the client's socket: at most 16,384 bytes. */
const MAX_SUBSCRIPTIONS = 1000;

/**
 * Defaults that differ from those of a process, because a Worker's isolate and a Durable Object have 128 MB of memory each. A
 * subscription key takes about 400 bytes besides its characters. Clients and keys are counted per shard.
 */
const WORKER_DEFAULTS: Environment = {
  // A Durable Object accepts 32,768 hibernating WebSockets. The rest is for sockets of clients that are disconnecting.
  REALTIME_MAX_CLIENTS: "30000",
  REALTIME_MAX_KEYS: "125000",
  REALTIME_MAX_KEY_CHARACTERS: String(16 * MEBIBYTE),
  REALTIME_MAX_WAITING_BYTES: String(32 * MEBIBYTE),
  REALTIME_MAX_WAITING_BYTES_PER_ADDRESS: String(8 * MEBIBYTE),
};

/** Variables of a process. A Worker has Durable Objects in place of a log on disk and of Redis, and no end of its own. */
const WITHOUT_EFFECT: readonly string[] = [
  "REALTIME_DATA",
  "REALTIME_DATA_SYNC",
  "REALTIME_DRAIN_SECONDS",
  "REALTIME_TRACING",
  "REDIS_URL",
];

/**
 * Returns the variables and secrets of an environment. Other bindings are objects, and are left out. Only rules may be
 * objects: wrangler's configuration can contain a variable as JSON, and rules that are left out would open every collection or
 * topic.
 */
export function variablesOf(env: object): Environment {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => {
      if (typeof value !== "object") return [[name, value]];
      return RULE_VARIABLES.includes(name) ? [[name, JSON.stringify(value)]] : [];
    }),
  );
}

/**
 * Reads the settings of a Worker.
 *
 * @throws RealtimeError `invalid_config` as `readConfig`, and for more subscriptions than a hub can keep.
 */
export function readWorkerSettings(env: object): ServiceConfig & { readonly logger: Logger } {
  // Compares with `undefined` and "" because a variable in wrangler's JSON configuration may be the number 0 or `false`.
  const set = Object.entries(variablesOf(env)).filter(
    ([, value]) => value !== undefined && value !== "",
  );
  const environment = { ...WORKER_DEFAULTS, ...Object.fromEntries(set) };
  const config = toServiceConfig(readTable(variables, environment));
  if (config.maxSubscriptions > MAX_SUBSCRIPTIONS) {
    throw new RealtimeError(
      "invalid_config",
      `REALTIME_MAX_SUBSCRIPTIONS must be at most ${MAX_SUBSCRIPTIONS} on Workers; it was "${config.maxSubscriptions}".`,
    );
  }
  return { ...config, logger: createJSONLogger({ level: config.logLevel }) };
}

/** The variables of an environment that have no effect on Workers, and those with unknown names. */
export function findUnusedVariables(env: object): {
  readonly withoutEffect: readonly string[];
  readonly unknown: readonly UnknownVariable[];
} {
  const environment = variablesOf(env);
  const known = ["REALTIME_HUB", ...namesOf(variables), ...WITHOUT_EFFECT];
  return {
    withoutEffect: WITHOUT_EFFECT.filter((name) => environment[name]),
    unknown: findUnknownVariables(environment, known),
  };
}
