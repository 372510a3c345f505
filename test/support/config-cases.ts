import type { Config } from "../../src/config/config.ts";
import type { Environment } from "../../src/config/table.ts";

/** Good and bad values of one variable. */
export interface Case {
  readonly variable: string;
  readonly read: (config: Config) => unknown;
  readonly defaultValue: unknown;
  readonly good: readonly (readonly [text: string, value: unknown])[];
  readonly bad: readonly string[];
  /** The description of allowed values in the error. */
  readonly expected: string;
  /** Other variables that the good values need. */
  readonly requires?: Environment;
}

const SECRET = "s".repeat(32);
const OTHER = "-old-secret-".repeat(4);
const PEM = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
-----END PUBLIC KEY-----`;

/** A URL of callbacks is an error without a secret, and without anything to ask or tell. */
const CALLBACKS = {
  REALTIME_CALLBACK_URL: "https://example.com/hook",
  REALTIME_CALLBACK_SECRET: `whsec_${"A".repeat(32)}`,
  REALTIME_CALLBACK_ASK: "connect",
};

const booleans = { bad: ["yes", "TRUE", "1", "on"], expected: "true or false" };
const secureURL = {
  defaultValue: undefined,
  bad: [
    "example.com/keys",
    "http://example.com/keys",
    "https://user:password@example.com/",
    "ftp://example.com/",
    "http://127.0.0.1.example.com/",
  ],
  expected: "an https URL without user name and password, or an http URL of this machine",
};
const urls = ["https://example.com/keys", "http://127.0.0.1:8080/a", "http://localhost/a"].map(
  (url) => [url, url] as const,
);

function counted(
  variable: string,
  read: Case["read"],
  defaultValue: number,
  min: number,
  max: number,
): Case {
  return {
    ...{ variable, read, defaultValue },
    good: [
      [String(min), min],
      [String(max), max],
    ],
    bad: [String(max + 1), String(min - 1), "1.5", "x"],
    expected: `a whole number from ${min} to ${max}`,
  };
}

/** The variables of `docs/security.md`: credentials and limits. */
export const ACCESS_CASES: readonly Case[] = [
  {
    variable: "REALTIME_JWT_SECRET",
    read: ({ tokens }) => tokens?.secrets,
    defaultValue: undefined,
    good: [
      [SECRET, [SECRET]],
      [`${SECRET} ${OTHER}`, [SECRET, OTHER]],
    ],
    bad: ["s".repeat(31), `${SECRET} short`, "ключ".repeat(20), PEM],
    expected: "one or more secrets of 32 to 4096 visible ASCII characters, separated by spaces",
  },
  {
    variable: "REALTIME_JWT_PUBLIC_KEY",
    read: ({ tokens }) => tokens?.publicKeys,
    defaultValue: undefined,
    good: [
      [PEM, [PEM]],
      [PEM.replaceAll("\n", "\\n"), [PEM]],
      [`${PEM}\n${PEM}`, [PEM, PEM]],
    ],
    bad: [
      SECRET,
      PEM.replaceAll("PUBLIC", "PRIVATE"),
      `${PEM} and more`,
      "-----BEGIN PUBLIC KEY-----",
    ],
    expected: "one or more public keys in PEM (BEGIN PUBLIC KEY)",
  },
  {
    variable: "REALTIME_JWKS_URL",
    read: ({ tokens }) => tokens?.jwksURL,
    good: urls,
    ...secureURL,
  },
  {
    variable: "REALTIME_JWT_ALGORITHMS",
    read: ({ tokens }) => tokens?.algorithms,
    defaultValue: undefined,
    requires: { REALTIME_JWT_SECRET: SECRET, REALTIME_JWKS_URL: "https://example.com/keys" },
    good: [
      ["HS512", ["HS512"]],
      ["RS256, HS256", ["HS256", "RS256"]],
    ],
    bad: ["none", "HS256,none", "hs256", "HS256,", "RS1"],
    expected:
      "a comma-separated list of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA",
  },
  ...(["issuer", "audience"] as const).map(
    (name): Case => ({
      variable: `REALTIME_JWT_${name.toUpperCase()}`,
      read: ({ tokens }) => tokens?.[name],
      defaultValue: undefined,
      requires: { REALTIME_JWT_SECRET: SECRET },
      good: [["https://issuer.example.com/", "https://issuer.example.com/"]],
      bad: ["x".repeat(1025), "two\nlines"],
      expected: "a line of at most 1024 characters, without control characters",
    }),
  ),
  {
    variable: "REALTIME_JWT_SKEW_SECONDS",
    // Without a key, the service has no token options.
    read: ({ tokens }) => tokens?.clockSkew,
    defaultValue: undefined,
    requires: { REALTIME_JWT_SECRET: SECRET },
    good: [
      ["0", 0],
      ["2.5", 2500],
      ["300", 300_000],
    ],
    bad: ["301", "-1", "5s"],
    expected: "a number of seconds from 0 to 300",
  },
  {
    variable: "REALTIME_JWT_ALLOW_NO_EXPIRY",
    read: ({ tokens }) => tokens?.allowNoExpiry,
    defaultValue: undefined,
    requires: { REALTIME_JWT_SECRET: SECRET },
    good: [
      ["true", true],
      ["false", false],
    ],
    ...booleans,
  },
  {
    variable: "REALTIME_INTROSPECT_URL",
    read: ({ introspection }) => introspection?.url,
    good: urls,
    ...secureURL,
  },
  {
    variable: "REALTIME_INTROSPECT_SECONDS",
    read: ({ introspection }) => introspection?.cacheTime,
    defaultValue: undefined,
    requires: { REALTIME_INTROSPECT_URL: "https://example.com/auth" },
    good: [
      ["0", 0],
      ["3600", 3_600_000],
    ],
    bad: ["3601", "-1"],
    expected: "a number of seconds from 0 to 3600",
  },
  {
    variable: "REALTIME_CALLBACK_URL",
    read: ({ callbacks }) => callbacks?.url,
    requires: CALLBACKS,
    good: urls,
    ...secureURL,
  },
  {
    variable: "REALTIME_CALLBACK_SECRET",
    read: ({ callbacks }) => callbacks?.secret,
    requires: CALLBACKS,
    defaultValue: undefined,
    good: [`whsec_${"A".repeat(32)}`, `whsec_${"a1+/".repeat(10)}ab==`].map(
      (secret) => [secret, secret] as const,
    ),
    bad: [
      "A".repeat(32),
      "whsec_",
      `whsec_${"A".repeat(31)}`,
      `whsec_${"A".repeat(28)}`,
      `whsec_${"-".repeat(32)}`,
    ],
    expected: "whsec_ followed by at least 24 bytes in Base64",
  },
  {
    variable: "REALTIME_CALLBACK_ASK",
    read: ({ callbacks }) => callbacks?.ask,
    requires: { ...CALLBACKS, REALTIME_CALLBACK_ASK: undefined },
    defaultValue: undefined,
    good: [
      ["connect", ["connect"]],
      ["publish, subscribe", ["subscribe", "publish"]],
    ],
    bad: ["conect", "connect,", "connected", "all"],
    expected: "a comma-separated list of connect, subscribe, publish",
  },
  {
    variable: "REALTIME_CALLBACK_TELL",
    read: ({ callbacks }) => callbacks?.tell,
    requires: CALLBACKS,
    defaultValue: undefined,
    good: [["vacated,occupied", ["occupied", "vacated"]]],
    bad: ["vacant", "connect"],
    expected: "a comma-separated list of connected, disconnected, occupied, vacated",
  },
  {
    variable: "REALTIME_CALLBACK_HEADERS",
    read: ({ callbacks }) => callbacks?.headers,
    requires: CALLBACKS,
    defaultValue: undefined,
    good: [["Cookie, x-session", ["Cookie", "x-session"]]],
    bad: ["a b", "a,", "a,".repeat(11)],
    expected: "a comma-separated list of at most 10 header names",
  },
  {
    variable: "REALTIME_CALLBACK_TIMEOUT_SECONDS",
    read: ({ callbacks }) => callbacks?.timeout,
    requires: CALLBACKS,
    defaultValue: undefined,
    good: [
      ["0.05", 50],
      ["60", 60_000],
    ],
    bad: ["0", "61", "5s"],
    expected: "a number of seconds from 0.05 to 60",
  },
  {
    variable: "REALTIME_COOKIE",
    read: ({ cookie }) => cookie,
    defaultValue: undefined,
    good: [["__Host-token", "__Host-token"]],
    bad: ["two words", "a=b", "a;b", "ключ"],
    expected: "a valid name of a header or cookie",
  },
  {
    variable: "REALTIME_QUERY_TOKEN",
    read: ({ queryToken }) => queryToken,
    defaultValue: false,
    good: [["true", true]],
    ...booleans,
  },
  {
    variable: "REALTIME_ANONYMOUS",
    read: ({ anonymous }) => anonymous,
    defaultValue: "subscribe",
    good: [["none", "none"]],
    bad: ["publish", "None", "false"],
    expected: "one of subscribe, none",
  },
  {
    variable: "REALTIME_AUTH_GRACE_SECONDS",
    read: ({ authGrace }) => authGrace,
    defaultValue: 10_000,
    good: [
      ["0", 0],
      ["3600", 3_600_000],
    ],
    bad: ["3601", "-1"],
    expected: "a number of seconds from 0 to 3600",
  },
  {
    variable: "REALTIME_CHECK_IP",
    read: ({ checkAddress }) => checkAddress,
    defaultValue: true,
    good: [["false", false]],
    ...booleans,
  },
  {
    variable: "REALTIME_TRUSTED_PROXY_HEADER",
    read: ({ trustedProxyHeader }) => trustedProxyHeader,
    defaultValue: undefined,
    good: [["X-Forwarded-For", "X-Forwarded-For"]],
    bad: ["X Forwarded", "a:b", "ключ"],
    expected: "a valid name of a header or cookie",
  },
  counted("REALTIME_MAX_CLIENTS", ({ maxClients }) => maxClients, 50_000, 0, 10_000_000),
  counted(
    "REALTIME_MAX_CLIENTS_PER_ADDRESS",
    ({ maxClientsPerAddress }) => maxClientsPerAddress,
    1000,
    0,
    10_000_000,
  ),
  counted("REALTIME_MAX_KEYS", (config) => config.maxKeys, 500_000, 0, 1_000_000_000),
  counted(
    "REALTIME_MAX_KEYS_PER_ADDRESS",
    (config) => config.maxKeysPerAddress,
    100_000,
    0,
    1_000_000_000,
  ),
  counted(
    "REALTIME_MAX_KEY_CHARACTERS",
    (config) => config.maxKeyCharacters,
    64 * 1024 * 1024,
    0,
    1_000_000_000,
  ),
  counted(
    "REALTIME_MAX_KEY_CHARACTERS_PER_ADDRESS",
    (config) => config.maxKeyCharactersPerAddress,
    16 * 1024 * 1024,
    0,
    1_000_000_000,
  ),
  {
    variable: "REALTIME_PRESENCE_GRACE_SECONDS",
    read: ({ presenceGrace }) => presenceGrace,
    defaultValue: 5000,
    good: [
      ["0", 0],
      ["300", 300_000],
    ],
    bad: ["301", "-1"],
    expected: "a number of seconds from 0 to 300",
  },
  {
    variable: "REALTIME_PRESENCE_UPDATES_PER_SECOND",
    read: ({ presenceUpdatesPerSecond }) => presenceUpdatesPerSecond,
    defaultValue: 10,
    good: [
      ["0", 0],
      ["0.5", 0.5],
    ],
    bad: ["-1", "1000001", "x"],
    expected: "a number from 0 to 1000000",
  },
  ...(["connectsPerSecond", "publishesPerSecond", "failuresPerSecond"] as const).map(
    (name): Case => ({
      variable: `REALTIME_${name.replace("PerSecond", "").toUpperCase()}_PER_SECOND`,
      read: (config) => config[name],
      defaultValue: { connectsPerSecond: 100, publishesPerSecond: 10, failuresPerSecond: 20 }[name],
      good: [
        ["0", 0],
        ["0.1", 0.1],
        ["1000000", 1_000_000],
      ],
      bad: ["-1", "1000001", "x"],
      expected: "a number from 0 to 1000000",
    }),
  ),
  ...(
    [
      ["REALTIME_PUBLISH_BYTES_PER_SECOND", "publishBytesPerSecond"],
      ["REALTIME_HISTORY_SCAN_PER_SECOND", "historyScanPerSecond"],
    ] as const
  ).map(
    ([variable, name]): Case => ({
      variable,
      read: (config) => config[name],
      defaultValue: 50_000,
      good: [
        ["0", 0],
        ["0.5", 0.5],
        ["1073741824", 1024 ** 3],
      ],
      bad: ["-1", "1073741825", "x"],
      expected: "a number from 0 to 1073741824",
    }),
  ),
  counted(
    "REALTIME_MAX_SUBSCRIPTIONS",
    ({ maxSubscriptions }) => maxSubscriptions,
    1000,
    1,
    10_000,
  ),
  counted("REALTIME_MAX_TOPIC_LENGTH", ({ maxTopicLength }) => maxTopicLength, 2500, 1, 10_000),
  counted("REALTIME_MAX_BATCH", ({ maxBatch }) => maxBatch, 1000, 1, 100_000),
  counted(
    "REALTIME_MAX_MESSAGE_BYTES",
    ({ maxMessageBytes }) => maxMessageBytes,
    256 * 1024,
    1,
    1024 ** 3,
  ),
  {
    variable: "REALTIME_REQUEST_SECONDS",
    read: ({ requestTimeout }) => requestTimeout,
    defaultValue: 30_000,
    good: [
      ["0.05", 50],
      ["3600", 3_600_000],
    ],
    bad: ["0", "3601", "-1"],
    expected: "a number of seconds from 0.05 to 3600",
  },
];
