/** The table of variables: name, limits and default of each. A test compares it with docs/configuration.md. */
import { DEFAULT_CACHE_TIME } from "../api/auth/introspection.ts";
import { DEFAULT_CLOCK_SKEW } from "../api/auth/token-options.ts";
import { ASKS, CALLBACK_DEFAULTS } from "../api/callbacks/options.ts";
import { DEFAULT_LIMITS, DEFAULTS } from "../api/limits.ts";
import { LOG_LEVELS } from "../api/logger.ts";
import { DEFAULT_HISTORY, DEFAULT_KEPT, DEFAULT_REMEMBERED_IDS } from "../log/log.ts";
import { DEFAULT_PRESENCE_GRACE } from "../realtime/presence/presence.ts";
import { TELLS } from "../registry/tells.ts";
import {
  adminKey,
  algorithms,
  callbackSecret,
  flag,
  folder,
  headerNames,
  host,
  httpName,
  integer,
  line,
  names,
  oneOf,
  origins,
  publicKeys,
  rate,
  seconds,
  secrets,
  secureURL,
} from "./parsers.ts";
import { accessRules, topicRules } from "./rules.ts";

const DAY_SECONDS = 86_400;
const GIBIBYTE = 1024 ** 3;
const MAX_RATE = 1_000_000;
const MAX_CLIENTS = 10_000_000;
const MAX_KEYS = 1_000_000_000;

/** Address that the service listens on by default: this machine only. */
export const DEFAULT_HOST = "127.0.0.1";
/** Port that the service listens on by default. */
export const DEFAULT_PORT = 8090;

/** Every variable, with its parser. Parsed durations are milliseconds. */
export const variables = {
  // Listening
  HOST: host(DEFAULT_HOST),
  PORT: integer(0, 65_535, DEFAULT_PORT),
  WORKERS: integer(1, 256, 1),
  REALTIME_ORIGINS: origins(DEFAULTS.origins),
  REALTIME_TRUSTED_PROXY_HEADER: httpName,
  REALTIME_DRAIN_SECONDS: seconds(0, 3600, DEFAULTS.drainTimeout),

  // Credentials
  REALTIME_ADMIN_KEY: adminKey,
  REALTIME_JWT_SECRET: secrets,
  REALTIME_JWT_PUBLIC_KEY: publicKeys,
  REALTIME_JWKS_URL: secureURL,
  REALTIME_JWT_ALGORITHMS: algorithms,
  REALTIME_JWT_ISSUER: line,
  REALTIME_JWT_AUDIENCE: line,
  REALTIME_JWT_SKEW_SECONDS: seconds(0, 300, DEFAULT_CLOCK_SKEW),
  REALTIME_JWT_ALLOW_NO_EXPIRY: flag(false),
  REALTIME_INTROSPECT_URL: secureURL,
  REALTIME_INTROSPECT_SECONDS: seconds(0, 3600, DEFAULT_CACHE_TIME),
  REALTIME_COOKIE: httpName,
  REALTIME_QUERY_TOKEN: flag(false),
  REALTIME_ANONYMOUS: oneOf(["subscribe", "none"], "subscribe"),
  REALTIME_AUTH_GRACE_SECONDS: seconds(0, 3600, DEFAULTS.authGrace),
  REALTIME_CHECK_IP: flag(true),
  REALTIME_RULES: accessRules,

  // Callbacks
  REALTIME_CALLBACK_URL: secureURL,
  REALTIME_CALLBACK_SECRET: callbackSecret,
  REALTIME_CALLBACK_ASK: names(ASKS),
  REALTIME_CALLBACK_TELL: names(TELLS),
  REALTIME_CALLBACK_HEADERS: headerNames,
  REALTIME_CALLBACK_TIMEOUT_SECONDS: seconds(0.05, 60, CALLBACK_DEFAULTS.timeout),

  // Capacity
  REALTIME_MAX_CLIENTS: integer(0, MAX_CLIENTS, DEFAULTS.maxClients),
  REALTIME_MAX_CLIENTS_PER_ADDRESS: integer(0, MAX_CLIENTS, DEFAULTS.maxClientsPerAddress),
  REALTIME_MAX_KEYS: integer(0, MAX_KEYS, DEFAULTS.maxKeys),
  REALTIME_MAX_KEYS_PER_ADDRESS: integer(0, MAX_KEYS, DEFAULTS.maxKeysPerAddress),
  REALTIME_MAX_KEY_CHARACTERS: integer(0, MAX_KEYS, DEFAULTS.maxKeyCharacters),
  REALTIME_MAX_KEY_CHARACTERS_PER_ADDRESS: integer(
    0,
    MAX_KEYS,
    DEFAULTS.maxKeyCharactersPerAddress,
  ),

  // Rates
  REALTIME_CONNECTS_PER_SECOND: rate(MAX_RATE, DEFAULT_LIMITS.connectsPerSecond),
  REALTIME_PUBLISHES_PER_SECOND: rate(MAX_RATE, DEFAULT_LIMITS.publishesPerSecond),
  REALTIME_FAILURES_PER_SECOND: rate(MAX_RATE, DEFAULT_LIMITS.failuresPerSecond),
  REALTIME_PUBLISH_BYTES_PER_SECOND: rate(GIBIBYTE, DEFAULT_LIMITS.publishBytesPerSecond),
  REALTIME_PRESENCE_UPDATES_PER_SECOND: rate(MAX_RATE, DEFAULT_LIMITS.presenceUpdatesPerSecond),
  REALTIME_HISTORY_SCAN_PER_SECOND: rate(GIBIBYTE, DEFAULT_LIMITS.historyScanPerSecond),

  // Requests
  REALTIME_MAX_SUBSCRIPTIONS: integer(1, 10_000, DEFAULT_LIMITS.maxSubscriptions),
  REALTIME_MAX_TOPIC_LENGTH: integer(1, 10_000, DEFAULT_LIMITS.maxTopicLength),
  REALTIME_MAX_BATCH: integer(1, 100_000, DEFAULT_LIMITS.maxBatch),
  REALTIME_MAX_MESSAGE_BYTES: integer(1, GIBIBYTE, DEFAULT_LIMITS.maxMessageBytes),
  REALTIME_MAX_BODY_BYTES: integer(1024, GIBIBYTE, DEFAULT_LIMITS.maxBodyBytes),
  REALTIME_REQUEST_SECONDS: seconds(0.05, 3600, DEFAULT_LIMITS.requestTimeout),

  // Streams
  REALTIME_PING_SECONDS: seconds(0.05, 3600, DEFAULTS.pingInterval),
  REALTIME_STALE_SECONDS: seconds(0.05, DAY_SECONDS, DEFAULTS.staleTimeout),
  REALTIME_MAX_BUFFERED_BYTES: integer(1024, GIBIBYTE, DEFAULTS.maxBufferedBytes),
  REALTIME_MAX_WAITING_BYTES: integer(0, 64 * GIBIBYTE, DEFAULTS.maxWaitingBytes),
  REALTIME_MAX_WAITING_BYTES_PER_ADDRESS: integer(
    0,
    64 * GIBIBYTE,
    DEFAULTS.maxWaitingBytesPerAddress,
  ),
  REALTIME_MAX_STREAM_WRITES: integer(0, 1_000_000_000, DEFAULTS.maxStreamWrites),
  REALTIME_SHARDS: integer(1, 1000, 1),

  // History
  REALTIME_HISTORY_MESSAGES: integer(0, 10_000_000, DEFAULT_HISTORY.messages),
  REALTIME_HISTORY_SECONDS: seconds(0, 30 * DAY_SECONDS, DEFAULT_HISTORY.maxAge),
  REALTIME_HISTORY_BYTES: integer(0, 64 * GIBIBYTE, DEFAULT_HISTORY.bytes),
  REALTIME_TOPICS: topicRules,
  REALTIME_KEPT_BYTES: integer(0, 64 * GIBIBYTE, DEFAULT_KEPT.bytes),
  REALTIME_KEPT_TOPICS: integer(1, 10_000_000, DEFAULT_KEPT.topics),
  REALTIME_PRESENCE_GRACE_SECONDS: seconds(0, 300, DEFAULT_PRESENCE_GRACE),

  REALTIME_DATA: folder,
  REALTIME_DATA_SYNC: oneOf(["normal", "full"], "normal"),
  REALTIME_REMEMBER_IDS: integer(1, 10_000_000, DEFAULT_REMEMBERED_IDS.count),
  REALTIME_REMEMBER_SECONDS: seconds(1, 30 * DAY_SECONDS, DEFAULT_REMEMBERED_IDS.maxAge),

  // Several processes
  // `openRedis` checks their form, so that the Worker stays small.
  REDIS_URL: line,
  REDIS_READ_URL: line,
  REDIS_PREFIX: line,

  // Operation
  REALTIME_CONSOLE: flag(undefined),
  REALTIME_METRICS: oneOf(["admin", "open", "off"], DEFAULTS.metrics),
  LOG_LEVEL: oneOf(LOG_LEVELS, "info"),
  LOG_FORMAT: oneOf(["auto", "json", "text"], "auto"),
};

/** The parsed variables, by name. */
export type VariableValues = {
  readonly [Name in keyof typeof variables]: ReturnType<(typeof variables)[Name]>;
};

/** The variables with rules in JSON. */
export const RULE_VARIABLES: readonly string[] = ["REALTIME_RULES", "REALTIME_TOPICS"];

/** The names of all variables. */
export const VARIABLES: readonly string[] = Object.keys(variables);
