import { describe, expect, it } from "vitest";
import { readConfig, VARIABLES } from "../../../src/config/config.ts";
import { type Environment, RULE_VARIABLES } from "../../../src/config/table.ts";
import { RealtimeError } from "../../../src/realtime/errors.ts";
import { ACCESS_CASES, type Case } from "../../support/config-cases.ts";

const BAD_BYTES = ["1023", "1073741825", "-1", "1e6", "1.5", "1 MiB", "0x400"];
const MEBIBYTE = 1024 * 1024;

const CASES: readonly Case[] = [
  {
    variable: "HOST",
    read: ({ host }) => host,
    defaultValue: "127.0.0.1",
    good: [
      ["0.0.0.0", "0.0.0.0"],
      ["::1", "::1"],
      ["my-host.example.com", "my-host.example.com"],
    ],
    bad: ["a b", "http://localhost", "host/path", "[::1]", "a\nb"],
    expected: "a host name or address",
  },
  {
    variable: "PORT",
    read: ({ port }) => port,
    defaultValue: 8090,
    good: [
      ["0", 0],
      ["80", 80],
      ["65535", 65_535],
    ],
    bad: ["65536", "-1", "x", "80.5", "1e3", "0x50", "80 81", "Infinity", "NaN", "٣"],
    expected: "a whole number from 0 to 65535",
  },
  {
    variable: "WORKERS",
    read: ({ workers }) => workers,
    defaultValue: 1,
    good: [
      ["1", 1],
      ["256", 256],
    ],
    bad: ["0", "257", "-1", "1.5", "auto"],
    expected: "a whole number from 1 to 256",
  },
  {
    variable: "REALTIME_ADMIN_KEY",
    read: ({ adminKey }) => adminKey,
    defaultValue: undefined,
    good: [
      ["1234567890123456", "1234567890123456"],
      ["!~aB3$%&!~aB3$%&", "!~aB3$%&!~aB3$%&"],
      ["x".repeat(255), "x".repeat(255)],
    ],
    bad: [
      "123456789012345",
      "x".repeat(256),
      "with a space in it",
      "schlüsselschlüssel",
      "line\nbreak, which is long",
      "tab\tinside of long text",
    ],
    expected: "16 to 255 visible ASCII characters without spaces",
  },
  {
    variable: "REALTIME_ORIGINS",
    read: ({ origins }) => origins,
    defaultValue: ["*"],
    good: [
      ["*", ["*"]],
      ["https://example.com", ["https://example.com"]],
      ["https://a.com, http://localhost:3000", ["https://a.com", "http://localhost:3000"]],
    ],
    bad: [
      "example.com",
      "https://example.com/",
      "https://example.com/path",
      "https://a.com,*",
      "https://a.com,",
      "https://EXAMPLE.com",
      "https://example.com:443",
      "null",
    ],
    expected: "* or a comma-separated list of origins such as https://example.com",
  },
  {
    variable: "REALTIME_PING_SECONDS",
    read: ({ pingInterval }) => pingInterval,
    defaultValue: 30_000,
    good: [
      ["0.05", 50],
      ["15", 15_000],
      ["3600", 3_600_000],
    ],
    bad: ["0", "0.04", "3601", "-1", "30s", ".5", "1e1"],
    expected: "a number of seconds from 0.05 to 3600",
  },
  {
    variable: "REALTIME_STALE_SECONDS",
    read: ({ staleTimeout }) => staleTimeout,
    defaultValue: 90_000,
    good: [
      ["0.05", 50],
      ["86400", 86_400_000],
    ],
    bad: ["0", "86401", "never"],
    expected: "a number of seconds from 0.05 to 86400",
  },
  {
    variable: "REALTIME_MAX_WAITING_BYTES",
    read: ({ maxWaitingBytes }) => maxWaitingBytes,
    defaultValue: 256 * MEBIBYTE,
    good: [
      ["0", 0],
      ["68719476736", 68_719_476_736],
    ],
    bad: ["-1", "1.5", "68719476737", "much"],
    expected: "a whole number from 0 to 68719476736",
  },
  {
    variable: "REALTIME_MAX_WAITING_BYTES_PER_ADDRESS",
    read: ({ maxWaitingBytesPerAddress }) => maxWaitingBytesPerAddress,
    defaultValue: 64 * MEBIBYTE,
    good: [
      ["0", 0],
      ["68719476736", 68_719_476_736],
    ],
    bad: ["-1", "1.5", "68719476737", "much"],
    expected: "a whole number from 0 to 68719476736",
  },
  {
    variable: "REALTIME_MAX_BUFFERED_BYTES",
    read: ({ maxBufferedBytes }) => maxBufferedBytes,
    defaultValue: MEBIBYTE,
    good: [
      ["1024", 1024],
      ["1073741824", 1_073_741_824],
    ],
    bad: BAD_BYTES,
    expected: "a whole number from 1024 to 1073741824",
  },
  {
    variable: "REALTIME_MAX_BODY_BYTES",
    read: ({ maxBodyBytes }) => maxBodyBytes,
    defaultValue: MEBIBYTE,
    good: [
      ["1024", 1024],
      ["1073741824", 1_073_741_824],
    ],
    bad: BAD_BYTES,
    expected: "a whole number from 1024 to 1073741824",
  },
  {
    variable: "REALTIME_HISTORY_MESSAGES",
    read: ({ history }) => history.messages,
    defaultValue: 10_000,
    good: [
      ["0", 0],
      ["10000000", 10_000_000],
    ],
    bad: ["10000001", "-1", "1.5"],
    expected: "a whole number from 0 to 10000000",
  },
  {
    variable: "REALTIME_HISTORY_SECONDS",
    read: ({ history }) => history.maxAge,
    defaultValue: 300_000,
    good: [
      ["0", 0],
      ["0.5", 500],
      ["2592000", 2_592_000_000],
    ],
    bad: ["2592001", "-1", "5m"],
    expected: "a number of seconds from 0 to 2592000",
  },
  {
    variable: "REALTIME_HISTORY_BYTES",
    read: ({ history }) => history.bytes,
    defaultValue: 32 * MEBIBYTE,
    good: [
      ["0", 0],
      ["68719476736", 68_719_476_736],
    ],
    bad: ["68719476737", "-1", "1.5"],
    expected: "a whole number from 0 to 68719476736",
  },
  {
    variable: "REALTIME_DATA",
    read: ({ data }) => data,
    defaultValue: undefined,
    good: [
      ["./data", "./data"],
      ["/var/lib/pocketwire", "/var/lib/pocketwire"],
      ["C:\\a folder", "C:\\a folder"],
    ],
    bad: ["a\nb", "x".repeat(1025)],
    expected: "the path of a folder, of at most 1024 characters, without control characters",
  },
  {
    variable: "REALTIME_DATA_SYNC",
    read: ({ dataSync }) => dataSync,
    defaultValue: "normal",
    good: [
      ["normal", "normal"],
      ["full", "full"],
    ],
    bad: ["off", "FULL", "1"],
    expected: "one of normal, full",
  },
  {
    variable: "REDIS_URL",
    read: ({ redis }) => redis?.url,
    defaultValue: undefined,
    good: [
      ["redis://127.0.0.1:6379", "redis://127.0.0.1:6379"],
      ["rediss://user:secret@redis.example/1", "rediss://user:secret@redis.example/1"],
    ],
    bad: ["redis://a\nb", "x".repeat(1025)],
    expected: "a line of at most 1024 characters, without control characters",
  },
  {
    variable: "REDIS_READ_URL",
    requires: { REDIS_URL: "redis://127.0.0.1" },
    read: ({ redis }) => redis?.readURL,
    defaultValue: undefined,
    good: [["redis://replica.example", "redis://replica.example"]],
    bad: ["redis://a\nb"],
    expected: "a line of at most 1024 characters, without control characters",
  },
  {
    variable: "REDIS_PREFIX",
    requires: { REDIS_URL: "redis://127.0.0.1" },
    read: ({ redis }) => redis?.prefix,
    defaultValue: undefined,
    good: [
      ["my-app_1:live", "my-app_1:live"],
      ["a".repeat(64), "a".repeat(64)],
    ],
    bad: ["a\nb"],
    expected: "a line of at most 1024 characters, without control characters",
  },
  {
    variable: "REALTIME_REMEMBER_IDS",
    read: ({ rememberedIds }) => rememberedIds.count,
    defaultValue: 10_000,
    good: [
      ["1", 1],
      ["10000000", 10_000_000],
    ],
    bad: ["0", "10000001", "1.5"],
    expected: "a whole number from 1 to 10000000",
  },
  {
    variable: "REALTIME_REMEMBER_SECONDS",
    read: ({ rememberedIds }) => rememberedIds.maxAge,
    defaultValue: 300_000,
    good: [
      ["1", 1000],
      ["2592000", 2_592_000_000],
    ],
    bad: ["0", "2592001", "5m"],
    expected: "a number of seconds from 1 to 2592000",
  },
  {
    variable: "REALTIME_KEPT_BYTES",
    read: ({ keptBytes }) => keptBytes,
    defaultValue: 64 * MEBIBYTE,
    good: [
      ["0", 0],
      ["68719476736", 68_719_476_736],
    ],
    bad: ["68719476737", "-1", "1.5"],
    expected: "a whole number from 0 to 68719476736",
  },
  {
    variable: "REALTIME_KEPT_TOPICS",
    read: ({ keptTopics }) => keptTopics,
    defaultValue: 100_000,
    good: [
      ["1", 1],
      ["10000000", 10_000_000],
    ],
    bad: ["10000001", "0", "1.5"],
    expected: "a whole number from 1 to 10000000",
  },
  {
    variable: "REALTIME_DRAIN_SECONDS",
    read: ({ drainTimeout }) => drainTimeout,
    defaultValue: 10_000,
    good: [
      ["0", 0],
      ["2.5", 2500],
      ["3600", 3_600_000],
    ],
    bad: ["3601", "-1", "x"],
    expected: "a number of seconds from 0 to 3600",
  },
  {
    variable: "REALTIME_SHARDS",
    read: ({ shards }) => shards,
    defaultValue: 1,
    good: [
      ["1", 1],
      ["1000", 1000],
    ],
    bad: ["0", "1001", "1.5", "x"],
    expected: "a whole number from 1 to 1000",
  },
  {
    variable: "REALTIME_TRACING",
    read: ({ openTelemetry }) => openTelemetry,
    defaultValue: false,
    good: [
      ["true", true],
      ["false", false],
    ],
    bad: ["yes", "auto", "1"],
    expected: "true or false",
  },
  {
    variable: "REALTIME_CONSOLE",
    read: ({ console }) => console,
    defaultValue: undefined,
    good: [
      ["true", true],
      ["false", false],
    ],
    bad: ["yes", "auto", "1"],
    expected: "true or false",
  },
  {
    variable: "REALTIME_METRICS",
    read: ({ metrics }) => metrics,
    defaultValue: "admin",
    good: [
      ["open", "open"],
      ["off", "off"],
    ],
    bad: ["true", "public"],
    expected: "one of admin, open, off",
  },
  {
    variable: "REALTIME_MAX_STREAM_WRITES",
    read: ({ maxStreamWrites }) => maxStreamWrites,
    defaultValue: 0,
    good: [
      ["0", 0],
      ["100000", 100_000],
    ],
    bad: ["-1", "0.5", "x"],
    expected: "a whole number from 0 to 1000000000",
  },
  {
    variable: "LOG_LEVEL",
    read: ({ logLevel }) => logLevel,
    defaultValue: "info",
    good: ["debug", "info", "warn", "error", "silent"].map((level) => [level, level] as const),
    bad: ["INFO", "trace", "0"],
    expected: "one of debug, info, warn, error, silent",
  },
  {
    variable: "LOG_FORMAT",
    read: ({ logFormat }) => logFormat,
    defaultValue: "auto",
    good: ["auto", "json", "text"].map((format) => [format, format] as const),
    bad: ["JSON", "pretty"],
    expected: "one of auto, json, text",
  },
  ...ACCESS_CASES,
];

/** The message of the error for invalid settings. */
function refusal(environment: Environment): string {
  try {
    readConfig(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(RealtimeError);
    expect((error as RealtimeError).code).toBe("invalid_config");
    return (error as RealtimeError).message;
  }
  throw new Error(`Was not refused: ${JSON.stringify(environment)}`);
}

describe("the settings", () => {
  it("have a test for every variable", () => {
    // rules.test.ts has the tests of variables with errors of another form.
    const tested = [...CASES.map(({ variable }) => variable), ...RULE_VARIABLES];
    expect(tested.sort()).toEqual([...VARIABLES].sort());
  });

  for (const { variable, read, defaultValue, good, bad, expected, requires } of CASES) {
    it(`have a default when ${variable} is not set, empty or blank`, () => {
      for (const text of [undefined, "", " ", "\t\n"]) {
        expect(read(readConfig({ [variable]: text })), JSON.stringify(text)).toEqual(defaultValue);
      }
      expect(read(readConfig({}))).toEqual(defaultValue);
    });

    it(`take ${variable}, with or without spaces around it`, () => {
      for (const [text, value] of good) {
        expect(read(readConfig({ ...requires, [variable]: text })), text).toEqual(value);
        const spaced = { ...requires, [variable]: ` ${text}\n` };
        expect(read(readConfig(spaced)), text).toEqual(value);
      }
    });

    it(`refuse a wrong ${variable}, and say what it was and what it must be`, () => {
      const isSecret = /_(KEY|SECRET|URL)$/.test(variable);
      for (const text of bad) {
        const value = isSecret
          ? "its value is not shown, because it may be secret"
          : `it was ${JSON.stringify(text)}`;
        expect(refusal({ [variable]: text })).toBe(`${variable} must be ${expected}; ${value}.`);
      }
    });
  }

  it("never show the admin key, whatever is invalid", () => {
    for (const key of ["short", "has a space in it", "ключ-ключ", "k".repeat(300)]) {
      const message = refusal({ REALTIME_ADMIN_KEY: key, PORT: "x" });
      expect(message).not.toContain(key);
      expect(message).toContain("REALTIME_ADMIN_KEY");
    }
    const beside = refusal({ REALTIME_ADMIN_KEY: "a-good-admin-key", PORT: "x" });
    expect(beside).not.toContain("a-good-admin-key");
    expect(beside).not.toContain("REALTIME_ADMIN_KEY");
  });

  it("report several mistakes at once, one on each line", () => {
    const lines = refusal({ PORT: "x", LOG_LEVEL: "loud", REALTIME_HISTORY_SECONDS: "-1" }).split(
      "\n",
    );
    expect(lines.map((line) => line.split(" ")[0]).sort()).toEqual([
      "LOG_LEVEL",
      "PORT",
      "REALTIME_HISTORY_SECONDS",
    ]);
  });

  it("report a mistake in one line, whatever the value", () => {
    expect(refusal({ PORT: "1\n2\r3" }).split(/[\r\n]/)).toHaveLength(1);
  });

  it("refuse algorithms without a key", () => {
    const secret = { REALTIME_JWT_SECRET: "s".repeat(32) };
    const refused = { ...secret, REALTIME_JWT_ALGORITHMS: "HS256,RS256" };
    expect(refusal(refused)).toBe(
      "REALTIME_JWT_ALGORITHMS has RS256, which needs REALTIME_JWT_PUBLIC_KEY or REALTIME_JWKS_URL.",
    );
    expect(refusal({ REALTIME_JWT_ALGORITHMS: "HS256" })).toContain("needs REALTIME_JWT_SECRET.");
  });

  it.each(["https://user@example.com/", "https://:password@example.com/", "http://example.com/"])(
    "refuse %s for keys and for tokens",
    (url) => {
      for (const variable of ["REALTIME_JWKS_URL", "REALTIME_INTROSPECT_URL"]) {
        expect(refusal({ [variable]: url })).toContain("without user name and password");
      }
    },
  );

  it("keep a longer history in a folder, unless a limit is set", () => {
    const week = { messages: 1_000_000, maxAge: 7 * 86_400_000, bytes: 1024 ** 3 };
    expect(readConfig({ REALTIME_DATA: "./data" }).history).toEqual(week);
    const set = { REALTIME_DATA: "./data", REALTIME_HISTORY_SECONDS: "60" };
    expect(readConfig(set).history).toEqual({ ...week, maxAge: 60_000 });
    expect(readConfig({ REALTIME_DATA: " " }).history).toEqual(readConfig({}).history);
  });

  it("remember more message ids with Redis, unless a limit is set", () => {
    const redis = { REDIS_URL: "redis://127.0.0.1:6379" };
    expect(readConfig(redis).rememberedIds).toEqual({ count: 1_000_000, maxAge: 300_000 });
    const set = { ...redis, REALTIME_REMEMBER_IDS: "50" };
    expect(readConfig(set).rememberedIds.count).toBe(50);
    expect(readConfig(redis).history).toEqual(readConfig({}).history);
  });

  it("ignore other variables", () => {
    const environment = { PATH: "/bin", REALTIME_NOTHING: "x", port: "x" };
    expect(readConfig(environment)).toEqual(readConfig({}));
  });
});
