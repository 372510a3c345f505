import * as z from "zod/mini";
import { DEFAULT_HISTORY, type HistoryLimits } from "../log/log.ts";
import { RealtimeError } from "../realtime/errors.ts";
import { LOG_LEVELS, type LogLevel } from "./logger.ts";
import { DEFAULTS } from "./options.ts";

/** Settings of the service, in the units the code uses: milliseconds and bytes. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly adminKey: string | undefined;
  readonly origins: readonly string[];
  readonly pingInterval: number;
  readonly staleTimeout: number;
  readonly maxBufferedBytes: number;
  readonly maxBodyBytes: number;
  readonly history: HistoryLimits;
  readonly drainTimeout: number;
  /** Durable Objects that share the clients; Workers only. */
  readonly shards: number;
  readonly maxStreamWrites: number;
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

function number(least: number, most: number, byDefault: number, whole: boolean) {
  const may = `${whole ? "a whole number" : "a number of seconds"} from ${least} to ${most}`;
  return setting(may, byDefault, (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    const fits = value >= least && value <= most && (!whole || Number.isInteger(value));
    return fits ? value : undefined;
  });
}

const count = (least: number, most: number, byDefault: number) =>
  number(least, most, byDefault, true);

const seconds = (least: number, most: number, byDefaultMilliseconds: number) =>
  number(least, most, byDefaultMilliseconds / 1000, false);

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

const MAX_BYTES = 1024 ** 3;

/** Every variable there is. The README's table is checked against it. */
const environmentSchema = z.object({
  HOST: setting("a host name or address", "127.0.0.1", (text) =>
    /^[\w.:-]+$/.test(text) ? text : undefined,
  ),
  PORT: count(0, 65_535, 8090),
  REALTIME_ADMIN_KEY: setting<string | undefined>(
    "8 to 255 visible ASCII characters without spaces",
    undefined,
    (text) => (/^[!-~]{8,255}$/.test(text) ? text : undefined),
  ),
  REALTIME_ORIGINS: setting(
    "* or a comma-separated list of origins such as https://example.com",
    [...DEFAULTS.origins],
    readOrigins,
  ),
  REALTIME_PING_SECONDS: seconds(0.05, 3600, DEFAULTS.pingInterval),
  REALTIME_STALE_SECONDS: seconds(0.05, 86_400, DEFAULTS.staleTimeout),
  REALTIME_MAX_BUFFERED_BYTES: count(1024, MAX_BYTES, DEFAULTS.maxBufferedBytes),
  REALTIME_MAX_BODY_BYTES: count(1024, MAX_BYTES, DEFAULTS.maxBodyBytes),
  REALTIME_HISTORY_MESSAGES: count(0, 10_000_000, DEFAULT_HISTORY.messages),
  REALTIME_HISTORY_SECONDS: seconds(0, 30 * 86_400, DEFAULT_HISTORY.maxAge),
  REALTIME_HISTORY_BYTES: count(0, 64 * MAX_BYTES, DEFAULT_HISTORY.bytes),
  REALTIME_DRAIN_SECONDS: seconds(0, 3600, DEFAULTS.drainTimeout),
  REALTIME_SHARDS: count(1, 1000, 1),
  REALTIME_STREAM_WRITES: count(0, 1_000_000_000, DEFAULTS.maxStreamWrites),
  LOG_LEVEL: oneOf(LOG_LEVELS, "info"),
  LOG_FORMAT: oneOf(["auto", "json", "text"], "auto"),
});

/** Names of the variables that are read. */
export const VARIABLES: readonly string[] = Object.keys(environmentSchema.shape);

/** Names that look like ours and are not read. */
export function unknownVariables(environment: Environment): string[] {
  return Object.keys(environment).filter(
    (name) => name.startsWith("REALTIME_") && !VARIABLES.includes(name),
  );
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
      const was = name.endsWith("_KEY") ? "the value given" : JSON.stringify(given[name]);
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
    maxBodyBytes: settings.REALTIME_MAX_BODY_BYTES,
    history: {
      messages: settings.REALTIME_HISTORY_MESSAGES,
      maxAge: settings.REALTIME_HISTORY_SECONDS * 1000,
      bytes: settings.REALTIME_HISTORY_BYTES,
    },
    drainTimeout: settings.REALTIME_DRAIN_SECONDS * 1000,
    shards: settings.REALTIME_SHARDS,
    maxStreamWrites: settings.REALTIME_STREAM_WRITES,
    logLevel: settings.LOG_LEVEL,
    logFormat: settings.LOG_FORMAT,
  };
}
