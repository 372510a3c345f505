/** Reads the settings of a process from variables. */
import { DEFAULT_DISK_HISTORY, DEFAULT_SHARED_IDS } from "../log/log.ts";
import type { Milliseconds } from "../realtime/units.ts";
import { processVariables } from "./process-variables.ts";
import { type ServiceConfig, toServiceConfig } from "./service-config.ts";
import { type Environment, namesOf, readTable, textOf } from "./table.ts";
import { variables } from "./variables.ts";

/** Where several processes meet: `StartOptions.redis`. */
interface RedisConfig {
  readonly url: string;
  readonly readURL: string | undefined;
  readonly prefix: string | undefined;
}

/** The settings of a process. `ServerOptions` and `StartOptions` describe those that have no description here. */
export interface Config extends ServiceConfig {
  readonly host: string;
  readonly port: number;
  /** Number of processes that share the port. Node and Bun only. */
  readonly workers: number;
  readonly data: string | undefined;
  readonly dataSync: "normal" | "full";
  /** Undefined without REDIS_URL. */
  readonly redis: RedisConfig | undefined;
  readonly drainTimeout: Milliseconds;
  readonly openTelemetry: boolean;
  /** `auto`: text on a terminal, JSON elsewhere. */
  readonly logFormat: "json" | "text" | "auto";
}

const ALL = { process: processVariables, service: variables };

/** The names of all variables. */
export const VARIABLES: readonly string[] = namesOf(ALL);

/**
 * Reads the settings from variables. An empty variable counts as not set. Durations become milliseconds.
 *
 * REALTIME_RULES and REALTIME_TOPICS must be JSON. Only the programs for Node and Bun also accept the path of a file.
 *
 * @throws RealtimeError `invalid_config` with one line for each invalid variable: its value and what it must be. Keys, secrets
 *   and URLs are not shown. Of the rules, at most the invalid one is shown. If REALTIME_JWT_ALGORITHMS has an algorithm without a
 *   key, the error names the algorithm and the missing variable.
 * @example
 * const { adminKey, tokens } = readConfig(process.env);
 * const realtime = createServer({ adminKey, tokens });
 */
export function readConfig(environment: Environment): Config {
  const { process, service } = readTable(ALL, withDefaults(environment));
  const { redis } = process;
  return {
    ...toServiceConfig(service),
    ...process,
    redis: redis.url === undefined ? undefined : { ...redis, url: redis.url },
  };
}

/** The defaults of the history with REALTIME_DATA, for a log on disk. */
const DISK_DEFAULTS: Environment = {
  REALTIME_HISTORY_MESSAGES: String(DEFAULT_DISK_HISTORY.messages),
  REALTIME_HISTORY_SECONDS: String(DEFAULT_DISK_HISTORY.maxAge / 1000),
  REALTIME_HISTORY_BYTES: String(DEFAULT_DISK_HISTORY.bytes),
};

/** The default with REDIS_URL. */
const REDIS_DEFAULTS: Environment = {
  REALTIME_REMEMBER_IDS: String(DEFAULT_SHARED_IDS.count),
};

/** Adds the defaults that depend on other variables. */
function withDefaults(environment: Environment): Environment {
  const defaults = {
    ...(textOf(environment, "REALTIME_DATA") && DISK_DEFAULTS),
    ...(textOf(environment, "REDIS_URL") && REDIS_DEFAULTS),
  };
  const missing = Object.entries(defaults).filter(([name]) => !textOf(environment, name));
  return { ...environment, ...Object.fromEntries(missing) };
}
