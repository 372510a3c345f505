import * as z from "zod/mini";
import { CONTROL_CHARACTER } from "../api/auth/claims.ts";
import type { IntrospectionOptions } from "../api/auth/introspection.ts";
import {
  KEY_ALGORITHMS,
  SECRET_ALGORITHMS,
  type TokenAlgorithm,
  type TokenOptions,
} from "../api/auth/token-options.ts";
import { ADMIN_KEY, ADMIN_KEY_RULE } from "../api/check-options.ts";
import { DEFAULT_LIMITS, DEFAULTS, type RequestLimits } from "../api/limits.ts";
import { LOG_LEVELS, type LogLevel } from "../api/logger.ts";
import { DEFAULT_HISTORY, type HistoryLimits } from "../log/log.ts";
import { RealtimeError } from "../realtime/errors.ts";

/** Settings of the service, in the units the code uses: milliseconds and bytes. */
export interface Config extends RequestLimits {
  readonly host: string;
  readonly port: number;
  readonly adminKey: string | undefined;
  readonly origins: readonly string[];
  readonly pingInterval: number;
  readonly staleTimeout: number;
  readonly maxBufferedBytes: number;
  readonly maxWaitingBytes: number;
  readonly maxWaitingBytesPerAddress: number;
  readonly tokens: TokenOptions | undefined;
  readonly introspection: IntrospectionOptions | undefined;
  readonly cookie: string | undefined;
  readonly queryToken: boolean;
  readonly anonymous: "subscribe" | "none";
  readonly authGrace: number;
  readonly checkAddress: boolean;
  readonly trustedProxyHeader: string | undefined;
  readonly maxClients: number;
  readonly maxClientsPerAddress: number;
  readonly maxKeys: number;
  readonly maxKeysPerAddress: number;
  readonly maxKeyCharacters: number;
  readonly maxKeyCharactersPerAddress: number;
  readonly history: HistoryLimits;
  readonly drainTimeout: number;
  /** Durable Objects that share the clients; Workers only. */
  readonly shards: number;
  readonly maxStreamWrites: number;
  /** Undefined where nothing was said: the entry knows what is right. */
  readonly console: boolean | undefined;
  readonly metrics: "admin" | "open" | "off";
  readonly logLevel: LogLevel;
  readonly logFormat: "json" | "text" | "auto";
}

/** Variables by name, as `process.env` and Workers' bindings have them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable as text: what it may be, what it is when not set, and how it is read (undefined: not at all). */
function setting<T>(may: string, byDefault: T, read: (text: string) => T | undefined) {
  return z.pipe(
    z.optional(z.string()),
    z.transform((text, context): T => {
      if (text === undefined) return byDefault;
      const value = read(text);
      if (value !== undefined) return value;
      context.issues.push({ code: "custom", message: may, input: text });
      return z.NEVER;
    }),
  );
}

const WHOLE = "a whole number";

function number(least: number, most: number, byDefault: number, what: string) {
  const whole = what === WHOLE;
  const may = `${what} from ${least} to ${most}`;
  return setting(may, byDefault, (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    const fits = value >= least && value <= most && (!whole || Number.isInteger(value));
    return fits ? value : undefined;
  });
}

const count = (least: number, most: number, byDefault: number) =>
  number(least, most, byDefault, WHOLE);

const seconds = (least: number, most: number, byDefaultMilliseconds: number) =>
  number(least, most, byDefaultMilliseconds / 1000, "a number of seconds");

const oneOf = <const T extends string>(values: readonly T[], byDefault: T) =>
  setting(`one of ${values.join(", ")}`, byDefault, (text) =>
    values.find((value) => value === text),
  );

function readOrigins(text: string): string[] | undefined {
  if (text === "*") return ["*"];
  const origins = text.split(",").map((origin) => origin.trim());
  return origins.every(isOrigin) ? origins : undefined;
}

/** As browsers write it in the header. Apps have schemes of their own (capacitor://localhost). */
function isOrigin(text: string): boolean {
  if (/^https?:/i.test(text)) return URL.canParse(text) && new URL(text).origin === text;
  return /^[a-z][a-z\d+.-]*:\/\/[^/\s]+$/.test(text);
}

const yesOrNo = (byDefault: boolean) =>
  setting("true or false", byDefault, (text) =>
    text === "true" ? true : text === "false" ? false : undefined,
  );

/** A name that HTTP allows for a header or cookie (RFC 9110, "Tokens"). */
const httpName = setting<string | undefined>("a name", undefined, (text) =>
  /^[\w!#$%&'*+.^`|~-]{1,255}$/.test(text) ? text : undefined,
);

const line = setting<string | undefined>("a line of at most 1024 characters", undefined, (text) =>
  text.length <= 1024 && !CONTROL_CHARACTER.test(text) ? text : undefined,
);

/** Shorter ones can be guessed from a token (RFC 7518, "HMAC with SHA-2 Functions"). */
const SECRET = /^[!-~]{32,4096}$/;

function readSecrets(text: string): string[] | undefined {
  const secrets = text.split(/\s+/);
  return secrets.every((secret) => SECRET.test(secret)) ? secrets : undefined;
}

const PEM = /-----BEGIN PUBLIC KEY-----[A-Za-z\d+/=\s]+-----END PUBLIC KEY-----/g;

/** Line breaks may be written as `\n`, since not every way to set a variable takes them. */
function readPublicKeys(text: string): string[] | undefined {
  const lines = text.replaceAll("\\n", "\n");
  const keys = lines.match(PEM) ?? [];
  return keys.length > 0 && lines.replace(PEM, "").trim() === "" ? keys : undefined;
}

function readAlgorithms(text: string): TokenAlgorithm[] | undefined {
  const known: readonly TokenAlgorithm[] = [...SECRET_ALGORITHMS, ...KEY_ALGORITHMS];
  const names = text.split(",").map((name) => name.trim());
  const found = known.filter((algorithm) => names.includes(algorithm));
  return found.length === new Set(names).size ? found : undefined;
}

/** Keys and answers must not be changed on their way. */
function readSafeURL(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, username } = new URL(text);
  const isHere = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  if (username !== "" || (protocol !== "https:" && !(protocol === "http:" && isHere))) {
    return undefined;
  }
  return text;
}

const safeURL = setting<string | undefined>(
  "an https address without credentials in it, or an http address of this machine",
  undefined,
  readSafeURL,
);

const MAX_BYTES = 1024 ** 3;

/** Every variable there is. The README's table is checked against it. */
const environmentSchema = z.object({
  HOST: setting("a host name or address", "127.0.0.1", (text) =>
    /^[\w.:-]+$/.test(text) ? text : undefined,
  ),
  PORT: count(0, 65_535, 8090),
  REALTIME_ADMIN_KEY: setting<string | undefined>(ADMIN_KEY_RULE, undefined, (text) =>
    ADMIN_KEY.test(text) ? text : undefined,
  ),
  REALTIME_ORIGINS: setting(
    "* or a comma-separated list of origins such as https://example.com",
    [...DEFAULTS.origins],
    readOrigins,
  ),
  REALTIME_JWT_SECRET: setting<string[] | undefined>(
    "one or more secrets of at least 32 visible ASCII characters, with spaces between",
    undefined,
    readSecrets,
  ),
  REALTIME_JWT_PUBLIC_KEY: setting<string[] | undefined>(
    "one or more public keys in PEM (BEGIN PUBLIC KEY)",
    undefined,
    readPublicKeys,
  ),
  REALTIME_JWKS_URL: safeURL,
  REALTIME_JWT_ALGORITHMS: setting<TokenAlgorithm[] | undefined>(
    `a comma-separated list of ${[...SECRET_ALGORITHMS, ...KEY_ALGORITHMS].join(", ")}`,
    undefined,
    readAlgorithms,
  ),
  REALTIME_JWT_ISSUER: line,
  REALTIME_JWT_AUDIENCE: line,
  REALTIME_JWT_SKEW_SECONDS: seconds(0, 300, 5000),
  REALTIME_JWT_ALLOW_NO_EXPIRY: yesOrNo(false),
  REALTIME_INTROSPECT_URL: safeURL,
  REALTIME_INTROSPECT_SECONDS: seconds(0, 3600, 30_000),
  REALTIME_COOKIE: httpName,
  REALTIME_QUERY_TOKEN: yesOrNo(false),
  REALTIME_ANONYMOUS: oneOf(["subscribe", "none"], "subscribe"),
  REALTIME_AUTH_GRACE_SECONDS: seconds(0, 3600, DEFAULTS.authGrace),
  REALTIME_CHECK_IP: yesOrNo(true),
  REALTIME_TRUSTED_PROXY_HEADER: httpName,
  REALTIME_MAX_CLIENTS: count(0, 10_000_000, DEFAULTS.maxClients),
  REALTIME_MAX_CLIENTS_PER_ADDRESS: count(0, 10_000_000, DEFAULTS.maxClientsPerAddress),
  REALTIME_MAX_KEYS: count(0, 1_000_000_000, DEFAULTS.maxKeys),
  REALTIME_MAX_KEYS_PER_ADDRESS: count(0, 1_000_000_000, DEFAULTS.maxKeysPerAddress),
  REALTIME_MAX_KEY_CHARACTERS: count(0, 1_000_000_000, DEFAULTS.maxKeyCharacters),
  REALTIME_MAX_KEY_CHARACTERS_PER_ADDRESS: count(
    0,
    1_000_000_000,
    DEFAULTS.maxKeyCharactersPerAddress,
  ),
  REALTIME_CONNECTS_PER_SECOND: number(0, 1_000_000, DEFAULT_LIMITS.connectsPerSecond, "a number"),
  REALTIME_PUBLISHES_PER_SECOND: number(
    0,
    1_000_000,
    DEFAULT_LIMITS.publishesPerSecond,
    "a number",
  ),
  REALTIME_FAILURES_PER_SECOND: number(0, 1_000_000, DEFAULT_LIMITS.failuresPerSecond, "a number"),
  REALTIME_PUBLISH_BYTES_PER_SECOND: number(
    0,
    MAX_BYTES,
    DEFAULT_LIMITS.publishBytesPerSecond,
    "a number",
  ),
  REALTIME_HISTORY_SCAN_PER_SECOND: number(
    0,
    MAX_BYTES,
    DEFAULT_LIMITS.historyScanPerSecond,
    "a number",
  ),
  REALTIME_MAX_SUBSCRIPTIONS: count(1, 10_000, DEFAULT_LIMITS.maxSubscriptions),
  REALTIME_MAX_TOPIC_LENGTH: count(1, 10_000, DEFAULT_LIMITS.maxTopicLength),
  REALTIME_MAX_BATCH: count(1, 100_000, DEFAULT_LIMITS.maxBatch),
  REALTIME_MAX_MESSAGE_BYTES: count(1, MAX_BYTES, DEFAULT_LIMITS.maxMessageBytes),
  REALTIME_REQUEST_SECONDS: seconds(0.05, 3600, DEFAULT_LIMITS.requestTimeout),
  REALTIME_PING_SECONDS: seconds(0.05, 3600, DEFAULTS.pingInterval),
  REALTIME_STALE_SECONDS: seconds(0.05, 86_400, DEFAULTS.staleTimeout),
  REALTIME_MAX_BUFFERED_BYTES: count(1024, MAX_BYTES, DEFAULTS.maxBufferedBytes),
  REALTIME_MAX_WAITING_BYTES: count(0, 64 * MAX_BYTES, DEFAULTS.maxWaitingBytes),
  REALTIME_MAX_WAITING_BYTES_PER_ADDRESS: count(
    0,
    64 * MAX_BYTES,
    DEFAULTS.maxWaitingBytesPerAddress,
  ),
  REALTIME_MAX_BODY_BYTES: count(1024, MAX_BYTES, DEFAULT_LIMITS.maxBodyBytes),
  REALTIME_HISTORY_MESSAGES: count(0, 10_000_000, DEFAULT_HISTORY.messages),
  REALTIME_HISTORY_SECONDS: seconds(0, 30 * 86_400, DEFAULT_HISTORY.maxAge),
  REALTIME_HISTORY_BYTES: count(0, 64 * MAX_BYTES, DEFAULT_HISTORY.bytes),
  REALTIME_DRAIN_SECONDS: seconds(0, 3600, DEFAULTS.drainTimeout),
  REALTIME_SHARDS: count(1, 1000, 1),
  REALTIME_MAX_STREAM_WRITES: count(0, 1_000_000_000, DEFAULTS.maxStreamWrites),
  REALTIME_CONSOLE: setting<boolean | undefined>("true or false", undefined, (text) =>
    text === "true" ? true : text === "false" ? false : undefined,
  ),
  REALTIME_METRICS: oneOf(["admin", "open", "off"], DEFAULTS.metrics),
  LOG_LEVEL: oneOf(LOG_LEVELS, "info"),
  LOG_FORMAT: oneOf(["auto", "json", "text"], "auto"),
});

/** Names of the variables that are read. */
export const VARIABLES: readonly string[] = Object.keys(environmentSchema.shape);

/** Names that look like ours and are not read. */
export function findUnknownVariables(environment: Environment): string[] {
  return Object.keys(environment).filter(
    (name) => name.startsWith("REALTIME_") && !VARIABLES.includes(name),
  );
}

/** Settings that are valid one by one and make no sense together, as lines for the log. */
export function findContradictions(config: Config): string[] {
  const found: string[] = [];
  const warn = (is: boolean, text: string) => {
    if (is) found.push(text);
  };
  const { tokens, introspection, adminKey, history } = config;
  const knowsTokens = tokens !== undefined || introspection !== undefined;
  warn(
    config.maxMessageBytes > config.maxBodyBytes,
    "REALTIME_MAX_MESSAGE_BYTES is above REALTIME_MAX_BODY_BYTES, so no message can be that large. Raise the body's limit.",
  );
  warn(
    config.maxMessageBytes > config.maxBufferedBytes,
    "REALTIME_MAX_MESSAGE_BYTES is above REALTIME_MAX_BUFFERED_BYTES, so one message can disconnect a client as too slow. Raise the buffer's limit.",
  );
  warn(
    config.anonymous === "none" && !knowsTokens,
    "REALTIME_ANONYMOUS is none and no tokens are configured, so only the admin key can subscribe. Set REALTIME_JWT_SECRET, REALTIME_JWT_PUBLIC_KEY, REALTIME_JWKS_URL or REALTIME_INTROSPECT_URL.",
  );
  warn(
    (config.cookie !== undefined || config.queryToken) && !knowsTokens && adminKey === undefined,
    "REALTIME_COOKIE or REALTIME_QUERY_TOKEN is set and no tokens are configured, so what they bring is ignored.",
  );
  warn(
    config.maxClients > 0 && config.maxClientsPerAddress > config.maxClients,
    "REALTIME_MAX_CLIENTS_PER_ADDRESS is above REALTIME_MAX_CLIENTS, so one address can take every place.",
  );
  warn(
    config.maxMessageBytes > history.bytes && history.bytes > 0,
    "REALTIME_MAX_MESSAGE_BYTES is above REALTIME_HISTORY_BYTES, so the largest messages can't be resumed.",
  );
  return found;
}

/**
 * Reads the settings. An empty variable counts as not set.
 *
 * @throws RealtimeError `invalid_config`, naming every wrong variable, what it was and what it may be.
 *   The values of secrets are not repeated.
 */
export function readConfig(environment: Environment): Config {
  const given = Object.fromEntries(
    VARIABLES.map((name) => [name, String(environment[name] ?? "").trim() || undefined]),
  );
  const result = environmentSchema.safeParse(given);
  if (!result.success) {
    const lines = result.error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      // A URL may carry a password, and is refused for it.
      const isSecret = /_(KEY|SECRET|URL)$/.test(name);
      const was = isSecret ? "the value given" : JSON.stringify(given[name]);
      return `${name} must be ${message}; it was ${was}.`;
    });
    throw new RealtimeError("invalid_config", lines.join("\n"));
  }
  const settings = result.data;
  return {
    host: settings.HOST,
    port: settings.PORT,
    adminKey: settings.REALTIME_ADMIN_KEY,
    origins: settings.REALTIME_ORIGINS,
    pingInterval: settings.REALTIME_PING_SECONDS * 1000,
    staleTimeout: settings.REALTIME_STALE_SECONDS * 1000,
    maxBufferedBytes: settings.REALTIME_MAX_BUFFERED_BYTES,
    maxWaitingBytes: settings.REALTIME_MAX_WAITING_BYTES,
    maxWaitingBytesPerAddress: settings.REALTIME_MAX_WAITING_BYTES_PER_ADDRESS,
    tokens: readTokens(settings),
    introspection: readIntrospection(settings),
    cookie: settings.REALTIME_COOKIE,
    queryToken: settings.REALTIME_QUERY_TOKEN,
    anonymous: settings.REALTIME_ANONYMOUS,
    authGrace: settings.REALTIME_AUTH_GRACE_SECONDS * 1000,
    checkAddress: settings.REALTIME_CHECK_IP,
    trustedProxyHeader: settings.REALTIME_TRUSTED_PROXY_HEADER,
    maxClients: settings.REALTIME_MAX_CLIENTS,
    maxClientsPerAddress: settings.REALTIME_MAX_CLIENTS_PER_ADDRESS,
    maxKeys: settings.REALTIME_MAX_KEYS,
    maxKeysPerAddress: settings.REALTIME_MAX_KEYS_PER_ADDRESS,
    maxKeyCharacters: settings.REALTIME_MAX_KEY_CHARACTERS,
    maxKeyCharactersPerAddress: settings.REALTIME_MAX_KEY_CHARACTERS_PER_ADDRESS,
    connectsPerSecond: settings.REALTIME_CONNECTS_PER_SECOND,
    publishesPerSecond: settings.REALTIME_PUBLISHES_PER_SECOND,
    failuresPerSecond: settings.REALTIME_FAILURES_PER_SECOND,
    publishBytesPerSecond: settings.REALTIME_PUBLISH_BYTES_PER_SECOND,
    historyScanPerSecond: settings.REALTIME_HISTORY_SCAN_PER_SECOND,
    maxSubscriptions: settings.REALTIME_MAX_SUBSCRIPTIONS,
    maxTopicLength: settings.REALTIME_MAX_TOPIC_LENGTH,
    maxBatch: settings.REALTIME_MAX_BATCH,
    maxMessageBytes: settings.REALTIME_MAX_MESSAGE_BYTES,
    maxBodyBytes: settings.REALTIME_MAX_BODY_BYTES,
    requestTimeout: settings.REALTIME_REQUEST_SECONDS * 1000,
    history: {
      messages: settings.REALTIME_HISTORY_MESSAGES,
      maxAge: settings.REALTIME_HISTORY_SECONDS * 1000,
      bytes: settings.REALTIME_HISTORY_BYTES,
    },
    drainTimeout: settings.REALTIME_DRAIN_SECONDS * 1000,
    shards: settings.REALTIME_SHARDS,
    maxStreamWrites: settings.REALTIME_MAX_STREAM_WRITES,
    console: settings.REALTIME_CONSOLE,
    metrics: settings.REALTIME_METRICS,
    logLevel: settings.LOG_LEVEL,
    logFormat: settings.LOG_FORMAT,
  };
}

type Settings = z.infer<typeof environmentSchema>;

function readTokens(settings: Settings): TokenOptions | undefined {
  const secrets = settings.REALTIME_JWT_SECRET;
  const publicKeys = settings.REALTIME_JWT_PUBLIC_KEY;
  const jwksURL = settings.REALTIME_JWKS_URL;
  const algorithms = settings.REALTIME_JWT_ALGORITHMS;
  const hasKeys = publicKeys !== undefined || jwksURL !== undefined;
  for (const algorithm of algorithms ?? []) {
    const isShared = algorithm.startsWith("HS");
    if (isShared ? secrets !== undefined : hasKeys) continue;
    const needs = isShared ? "REALTIME_JWT_SECRET" : "REALTIME_JWT_PUBLIC_KEY or REALTIME_JWKS_URL";
    throw new RealtimeError(
      "invalid_config",
      `REALTIME_JWT_ALGORITHMS has ${algorithm}, which needs ${needs}.`,
    );
  }
  if (secrets === undefined && !hasKeys) return undefined;
  return {
    ...{ secrets, publicKeys, jwksURL, algorithms },
    issuer: settings.REALTIME_JWT_ISSUER,
    audience: settings.REALTIME_JWT_AUDIENCE,
    clockSkew: settings.REALTIME_JWT_SKEW_SECONDS * 1000,
    allowNoExpiry: settings.REALTIME_JWT_ALLOW_NO_EXPIRY,
  };
}

function readIntrospection(settings: Settings): IntrospectionOptions | undefined {
  const url = settings.REALTIME_INTROSPECT_URL;
  if (url === undefined) return undefined;
  const cacheTime = settings.REALTIME_INTROSPECT_SECONDS * 1000;
  return {
    ...{ url, cacheTime },
    clockSkew: settings.REALTIME_JWT_SKEW_SECONDS * 1000,
    allowNoExpiry: settings.REALTIME_JWT_ALLOW_NO_EXPIRY,
  };
}
