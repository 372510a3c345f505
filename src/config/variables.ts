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
  headerNames,
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
import type { Table, Values } from "./table.ts";

const DAY_SECONDS = 86_400;
const GIBIBYTE = 1024 ** 3;
const MAX_RATE = 1_000_000;
const MAX_CLIENTS = 10_000_000;
const MAX_KEYS = 1_000_000_000;

/** The options that every runtime has. Parsed durations are milliseconds. */
export const variables = {
  // Origins and proxies
  origins: ["REALTIME_ORIGINS", origins(DEFAULTS.origins)],
  trustedProxyHeader: ["REALTIME_TRUSTED_PROXY_HEADER", httpName],

  // Credentials
  adminKey: ["REALTIME_ADMIN_KEY", adminKey],
  tokens: {
    secrets: ["REALTIME_JWT_SECRET", secrets],
    publicKeys: ["REALTIME_JWT_PUBLIC_KEY", publicKeys],
    jwksURL: ["REALTIME_JWKS_URL", secureURL],
    algorithms: ["REALTIME_JWT_ALGORITHMS", algorithms],
    issuer: ["REALTIME_JWT_ISSUER", line],
    audience: ["REALTIME_JWT_AUDIENCE", line],
    clockSkew: ["REALTIME_JWT_SKEW_SECONDS", seconds(0, 300, DEFAULT_CLOCK_SKEW)],
    allowNoExpiry: ["REALTIME_JWT_ALLOW_NO_EXPIRY", flag(false)],
  },
  introspection: {
    url: ["REALTIME_INTROSPECT_URL", secureURL],
    cacheTime: ["REALTIME_INTROSPECT_SECONDS", seconds(0, 3600, DEFAULT_CACHE_TIME)],
  },
  cookie: ["REALTIME_COOKIE", httpName],
  queryToken: ["REALTIME_QUERY_TOKEN", flag(false)],
  anonymous: ["REALTIME_ANONYMOUS", oneOf(["subscribe", "none"], "subscribe")],
  authGrace: ["REALTIME_AUTH_GRACE_SECONDS", seconds(0, 3600, DEFAULTS.authGrace)],
  checkAddress: ["REALTIME_CHECK_IP", flag(true)],
  rules: ["REALTIME_RULES", accessRules],

  // Callbacks
  callbacks: {
    url: ["REALTIME_CALLBACK_URL", secureURL],
    secret: ["REALTIME_CALLBACK_SECRET", callbackSecret],
    ask: ["REALTIME_CALLBACK_ASK", names(ASKS)],
    tell: ["REALTIME_CALLBACK_TELL", names(TELLS)],
    headers: ["REALTIME_CALLBACK_HEADERS", headerNames],
    timeout: ["REALTIME_CALLBACK_TIMEOUT_SECONDS", seconds(0.05, 60, CALLBACK_DEFAULTS.timeout)],
  },

  // Capacity
  maxClients: ["REALTIME_MAX_CLIENTS", integer(0, MAX_CLIENTS, DEFAULTS.maxClients)],
  maxClientsPerAddress: [
    "REALTIME_MAX_CLIENTS_PER_ADDRESS",
    integer(0, MAX_CLIENTS, DEFAULTS.maxClientsPerAddress),
  ],
  maxKeys: ["REALTIME_MAX_KEYS", integer(0, MAX_KEYS, DEFAULTS.maxKeys)],
  maxKeysPerAddress: [
    "REALTIME_MAX_KEYS_PER_ADDRESS",
    integer(0, MAX_KEYS, DEFAULTS.maxKeysPerAddress),
  ],
  maxKeyCharacters: [
    "REALTIME_MAX_KEY_CHARACTERS",
    integer(0, MAX_KEYS, DEFAULTS.maxKeyCharacters),
  ],
  maxKeyCharactersPerAddress: [
    "REALTIME_MAX_KEY_CHARACTERS_PER_ADDRESS",
    integer(0, MAX_KEYS, DEFAULTS.maxKeyCharactersPerAddress),
  ],

  // Rates
  connectsPerSecond: [
    "REALTIME_CONNECTS_PER_SECOND",
    rate(MAX_RATE, DEFAULT_LIMITS.connectsPerSecond),
  ],
  publishesPerSecond: [
    "REALTIME_PUBLISHES_PER_SECOND",
    rate(MAX_RATE, DEFAULT_LIMITS.publishesPerSecond),
  ],
  failuresPerSecond: [
    "REALTIME_FAILURES_PER_SECOND",
    rate(MAX_RATE, DEFAULT_LIMITS.failuresPerSecond),
  ],
  publishBytesPerSecond: [
    "REALTIME_PUBLISH_BYTES_PER_SECOND",
    rate(GIBIBYTE, DEFAULT_LIMITS.publishBytesPerSecond),
  ],
  presenceUpdatesPerSecond: [
    "REALTIME_PRESENCE_UPDATES_PER_SECOND",
    rate(MAX_RATE, DEFAULT_LIMITS.presenceUpdatesPerSecond),
  ],
  historyScanPerSecond: [
    "REALTIME_HISTORY_SCAN_PER_SECOND",
    rate(GIBIBYTE, DEFAULT_LIMITS.historyScanPerSecond),
  ],

  // Requests
  maxSubscriptions: [
    "REALTIME_MAX_SUBSCRIPTIONS",
    integer(1, 10_000, DEFAULT_LIMITS.maxSubscriptions),
  ],
  maxTopicLength: ["REALTIME_MAX_TOPIC_LENGTH", integer(1, 10_000, DEFAULT_LIMITS.maxTopicLength)],
  maxBatch: ["REALTIME_MAX_BATCH", integer(1, 100_000, DEFAULT_LIMITS.maxBatch)],
  maxMessageBytes: [
    "REALTIME_MAX_MESSAGE_BYTES",
    integer(1, GIBIBYTE, DEFAULT_LIMITS.maxMessageBytes),
  ],
  maxBodyBytes: ["REALTIME_MAX_BODY_BYTES", integer(1024, GIBIBYTE, DEFAULT_LIMITS.maxBodyBytes)],
  requestTimeout: ["REALTIME_REQUEST_SECONDS", seconds(0.05, 3600, DEFAULT_LIMITS.requestTimeout)],

  // Streams
  pingInterval: ["REALTIME_PING_SECONDS", seconds(0.05, 3600, DEFAULTS.pingInterval)],
  staleTimeout: ["REALTIME_STALE_SECONDS", seconds(0.05, DAY_SECONDS, DEFAULTS.staleTimeout)],
  maxBufferedBytes: [
    "REALTIME_MAX_BUFFERED_BYTES",
    integer(1024, GIBIBYTE, DEFAULTS.maxBufferedBytes),
  ],
  maxWaitingBytes: [
    "REALTIME_MAX_WAITING_BYTES",
    integer(0, 64 * GIBIBYTE, DEFAULTS.maxWaitingBytes),
  ],
  maxWaitingBytesPerAddress: [
    "REALTIME_MAX_WAITING_BYTES_PER_ADDRESS",
    integer(0, 64 * GIBIBYTE, DEFAULTS.maxWaitingBytesPerAddress),
  ],
  maxStreamWrites: [
    "REALTIME_MAX_STREAM_WRITES",
    integer(0, 1_000_000_000, DEFAULTS.maxStreamWrites),
  ],
  shards: ["REALTIME_SHARDS", integer(1, 1000, 1)],

  // History
  history: {
    messages: ["REALTIME_HISTORY_MESSAGES", integer(0, 10_000_000, DEFAULT_HISTORY.messages)],
    maxAge: ["REALTIME_HISTORY_SECONDS", seconds(0, 30 * DAY_SECONDS, DEFAULT_HISTORY.maxAge)],
    bytes: ["REALTIME_HISTORY_BYTES", integer(0, 64 * GIBIBYTE, DEFAULT_HISTORY.bytes)],
  },
  topics: ["REALTIME_TOPICS", topicRules],
  keptBytes: ["REALTIME_KEPT_BYTES", integer(0, 64 * GIBIBYTE, DEFAULT_KEPT.bytes)],
  keptTopics: ["REALTIME_KEPT_TOPICS", integer(1, 10_000_000, DEFAULT_KEPT.topics)],
  presenceGrace: ["REALTIME_PRESENCE_GRACE_SECONDS", seconds(0, 300, DEFAULT_PRESENCE_GRACE)],

  rememberedIds: {
    count: ["REALTIME_REMEMBER_IDS", integer(1, 10_000_000, DEFAULT_REMEMBERED_IDS.count)],
    maxAge: [
      "REALTIME_REMEMBER_SECONDS",
      seconds(1, 30 * DAY_SECONDS, DEFAULT_REMEMBERED_IDS.maxAge),
    ],
  },

  // Operation
  console: ["REALTIME_CONSOLE", flag(undefined)],
  metrics: ["REALTIME_METRICS", oneOf(["admin", "open", "off"], DEFAULTS.metrics)],
  logLevel: ["LOG_LEVEL", oneOf(LOG_LEVELS, "info")],
} as const satisfies Table;

/** The options with their values. */
export type OptionValues = Values<typeof variables>;
