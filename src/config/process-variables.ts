/** The variables that only the processes of Node and Bun have. They are not in a Worker's bundle. */
import { CONTROL_CHARACTER } from "../api/auth/claims.ts";
import { DEFAULTS } from "../api/limits.ts";
import { flag, integer, line, oneOf, optional, parser, seconds } from "./parsers.ts";
import type { Table } from "./table.ts";

/** Address that the service listens on by default: this machine only. */
export const DEFAULT_HOST = "127.0.0.1";
/** Port that the service listens on by default. */
export const DEFAULT_PORT = 8090;

/** A host name or an IP address, without port and brackets. */
function host(defaultValue: string) {
  return parser("a host name or address", defaultValue, (text) =>
    /^[\w.:-]+$/.test(text) ? text : undefined,
  );
}

/** The path of a folder. Whether it can be used is checked when it is opened. */
const folder = optional(
  "the path of a folder, of at most 1024 characters, without control characters",
  (text) => (text.length <= 1024 && !CONTROL_CHARACTER.test(text) ? text : undefined),
);

/** The options that only a process has. Parsed durations are milliseconds. */
export const processVariables = {
  host: ["HOST", host(DEFAULT_HOST)],
  port: ["PORT", integer(0, 65_535, DEFAULT_PORT)],
  workers: ["WORKERS", integer(1, 256, 1)],
  drainTimeout: ["REALTIME_DRAIN_SECONDS", seconds(0, 3600, DEFAULTS.drainTimeout)],

  // The log on disk
  data: ["REALTIME_DATA", folder],
  dataSync: ["REALTIME_DATA_SYNC", oneOf(["normal", "full"], "normal")],

  // Several processes
  // `openRedis` checks the form of the URLs.
  redis: {
    url: ["REDIS_URL", line],
    readURL: ["REDIS_READ_URL", line],
    prefix: ["REDIS_PREFIX", line],
  },

  openTelemetry: ["REALTIME_TRACING", flag(false)],
  logFormat: ["LOG_FORMAT", oneOf(["auto", "json", "text"], "auto")],
} as const satisfies Table;
