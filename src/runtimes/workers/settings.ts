/** Reads the settings of a Worker from its variables and secrets. */
import { createJSONLogger } from "../../api/logger.ts";
import { type Config, type Environment, readConfig } from "../../config/config.ts";
import { RULE_VARIABLES } from "../../config/variables.ts";
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

/** Variables that select the log of a process. A Worker has Durable Objects in place of it. */
export const WITHOUT_EFFECT: readonly string[] = ["REALTIME_DATA", "REDIS_URL"];

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
export function readWorkerSettings(env: object): Config & { readonly logger: Logger } {
  // Compares with `undefined` and "" because a variable in wrangler's JSON configuration may be the number 0 or `false`.
  const set = Object.entries(variablesOf(env)).filter(
    ([, value]) => value !== undefined && value !== "",
  );
  // These variables have no effect, so they must not change the defaults of the history and of message ids.
  const withoutEffect = WITHOUT_EFFECT.map((name) => [name, undefined]);
  const config = readConfig({
    ...WORKER_DEFAULTS,
    ...Object.fromEntries(set),
    ...Object.fromEntries(withoutEffect),
  });
  if (config.maxSubscriptions > MAX_SUBSCRIPTIONS) {
    throw new RealtimeError(
      "invalid_config",
      `REALTIME_MAX_SUBSCRIPTIONS must be at most ${MAX_SUBSCRIPTIONS} on Workers; it was "${config.maxSubscriptions}".`,
    );
  }
  return { ...config, logger: createJSONLogger({ level: config.logLevel }) };
}
