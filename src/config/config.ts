/** Reads the settings of the service from variables. */
import type { IntrospectionOptions } from "../api/auth/introspection.ts";
import type { TokenOptions } from "../api/auth/token-options.ts";
import type { CallbackOptions } from "../api/callbacks/options.ts";
import type { RequestLimits } from "../api/limits.ts";
import type { LogLevel } from "../api/logger.ts";
import {
  DEFAULT_DISK_HISTORY,
  DEFAULT_SHARED_IDS,
  type HistoryLimits,
  type RememberedIdLimits,
} from "../log/log.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type { TopicRule } from "../realtime/topic-rules.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import type { Rules } from "./rules.ts";
import { callbackOptions, introspectionOptions } from "./url-options.ts";
import { type OptionValues, RULE_VARIABLES, readVariables } from "./variables.ts";

/** Variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * How many clients and subscription keys the service accepts, and how many bytes may wait for them. 0 is no limit, except for
 * `maxBufferedBytes`.
 */
interface Capacity {
  readonly maxClients: number;
  readonly maxClientsPerAddress: number;
  readonly maxKeys: number;
  readonly maxKeysPerAddress: number;
  readonly maxKeyCharacters: number;
  readonly maxKeyCharactersPerAddress: number;
  readonly maxBufferedBytes: Bytes;
  readonly maxWaitingBytes: Bytes;
  readonly maxWaitingBytesPerAddress: Bytes;
}

/** Where several processes meet: `StartOptions.redis`. */
interface RedisConfig {
  readonly url: string;
  readonly readURL: string | undefined;
  readonly prefix: string | undefined;
}

/** The settings of the service. `ServerOptions` and `StartOptions` describe those that have no description here. */
export interface Config extends RequestLimits, Capacity {
  readonly host: string;
  readonly port: number;
  /** Number of processes that share the port. Node and Bun only. */
  readonly workers: number;
  readonly adminKey: string | undefined;
  readonly origins: readonly string[];
  readonly pingInterval: Milliseconds;
  readonly staleTimeout: Milliseconds;
  readonly tokens: TokenOptions | undefined;
  readonly introspection: IntrospectionOptions | undefined;
  readonly callbacks: CallbackOptions | undefined;
  readonly cookie: string | undefined;
  readonly queryToken: boolean;
  readonly anonymous: "subscribe" | "none";
  readonly authGrace: Milliseconds;
  readonly checkAddress: boolean;
  readonly rules: Rules | undefined;
  readonly trustedProxyHeader: string | undefined;
  readonly history: HistoryLimits;
  readonly data: string | undefined;
  readonly dataSync: "normal" | "full";
  /** Undefined without REDIS_URL. */
  readonly redis: RedisConfig | undefined;
  readonly rememberedIds: RememberedIdLimits;
  readonly topics: readonly TopicRule[] | undefined;
  readonly keptBytes: Bytes;
  readonly keptTopics: number;
  readonly presenceGrace: Milliseconds;
  readonly drainTimeout: Milliseconds;
  /** Number of Durable Objects that share the clients. Workers only. */
  readonly shards: number;
  readonly maxStreamWrites: number;
  /** Undefined if the variable is not set: the default depends on the program. */
  readonly console: boolean | undefined;
  readonly metrics: "admin" | "open" | "off";
  /** The least severe log lines that are written. */
  readonly logLevel: LogLevel;
  /** `auto`: text on a terminal, JSON elsewhere. */
  readonly logFormat: "json" | "text" | "auto";
}

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
  const { tokens, introspection, callbacks, redis, ...values } = parseVariables(environment);
  return {
    ...values,
    tokens: tokenOptions(tokens),
    introspection: introspectionOptions(introspection, tokens),
    callbacks: callbackOptions(callbacks),
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

function parseVariables(environment: Environment): OptionValues {
  const textOf = (name: string) => String(environment[name] ?? "").trim() || undefined;
  const defaults = {
    ...(textOf("REALTIME_DATA") && DISK_DEFAULTS),
    ...(textOf("REDIS_URL") && REDIS_DEFAULTS),
  };
  const problems: string[] = [];
  const values = readVariables((name, parse) => {
    const text = textOf(name) ?? defaults[name];
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      problems.push(problemOf(name, text, error.message));
      return undefined;
    }
  });
  if (problems.length > 0) throw new RealtimeError("invalid_config", problems.join("\n"));
  return values;
}

function problemOf(name: string, text: unknown, message: string): string {
  if (RULE_VARIABLES.includes(name)) return `${name} is invalid. ${message}`;
  // A URL is hidden too: it may contain a password.
  const isSecret = /_(KEY|SECRET|URL)$/.test(name);
  const value = isSecret
    ? "its value is not shown, because it may be secret"
    : `it was ${JSON.stringify(text)}`;
  return `${name} must be ${message}; ${value}.`;
}

function tokenOptions(tokens: OptionValues["tokens"]): TokenOptions | undefined {
  const { secrets, publicKeys, jwksURL, algorithms } = tokens;
  const hasPublicKeys = publicKeys !== undefined || jwksURL !== undefined;
  for (const algorithm of algorithms ?? []) {
    const usesSecret = algorithm.startsWith("HS");
    if (usesSecret ? secrets !== undefined : hasPublicKeys) continue;
    const needed = usesSecret
      ? "REALTIME_JWT_SECRET"
      : "REALTIME_JWT_PUBLIC_KEY or REALTIME_JWKS_URL";
    throw new RealtimeError(
      "invalid_config",
      `REALTIME_JWT_ALGORITHMS has ${algorithm}, which needs ${needed}.`,
    );
  }
  return secrets === undefined && !hasPublicKeys ? undefined : tokens;
}
