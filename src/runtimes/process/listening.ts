/** Starts a service that listens on a port, on Node or Bun. Each runtime passes its own `listen` function. */

import { DEFAULT_LIMITS, DEFAULTS } from "../../api/limits.ts";
import type { ServerOptions } from "../../api/options.ts";
import { createServer, type RealtimeServer } from "../../api/server.ts";
import { DEFAULT_HOST, DEFAULT_PORT } from "../../config/process-variables.ts";
import { monotonicClock } from "../../realtime/clock.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import { protectLogger } from "../../realtime/protected-logger.ts";
import { settledWithin } from "../../realtime/settled-within.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import { RETRY_RANGES } from "../../stream/retry.ts";
import type { DataSync } from "./data-folder.ts";
import { openLog } from "./data-log.ts";
import { loadTracing } from "./load-tracing.ts";
import { type OpenFiles, readOpenFiles } from "./open-files.ts";
import { openRedis, type RedisParts, type RedisSettings } from "./redis/open-redis.ts";
import type { OpenSqlite } from "./sqlite-database.ts";

/** Options of `startServer`, besides those of `createServer`. */
export interface StartOptions extends ServerOptions {
  /** Host name or IP address to listen on. Default `127.0.0.1`: only this machine can connect. */
  readonly host?: string | undefined;
  /** Port to listen on. 0 uses a free port. Default 8090. */
  readonly port?: number | undefined;
  /**
   * A folder in which the service keeps messages, message ids and revocations, so that they survive a restart. The folder is
   * created if it is missing. Only one process may use it. With a folder, the defaults of `history` are 1,000,000 messages, seven
   * days and 1 GiB. Refused together with `log` or `registry`. Default: a log in memory.
   */
  readonly data?: string | undefined;
  /** What an acknowledged message survives, if `data` is set (`DataLogOptions.sync`). Default `normal`. */
  readonly dataSync?: DataSync | undefined;
  /**
   * Shares messages and clients with other processes over Redis. Needs the package `redis`. With Redis, the service remembers
   * 1,000,000 message ids by default. Refused together with `data`, `log` or `registry`. Default: the process is alone.
   */
  readonly redis?: RedisSettings | undefined;
  /**
   * Whether to load `pocketwire/tracing` and report spans to the OpenTelemetry SDK of the process. Needs the package
   * `@opentelemetry/api`. The option `tracing` does the same. Default false.
   */
  readonly openTelemetry?: boolean | undefined;
  /** How long `close` waits for streams and requests to end, before it closes their connections. Default 10,000. */
  readonly drainTimeout?: Milliseconds | undefined;
}

/** A running service. */
export interface RunningServer extends RealtimeServer {
  /** The URL at which the service listens, such as `http://127.0.0.1:8090`. */
  readonly url: string;
}

/** What differs between the runtimes. */
export interface ListeningRuntime {
  readonly listen: (options: ListenOptions) => Promise<Listener>;
  /** Loads the runtime's SQLite. Called only if `data` is set. */
  readonly loadSqlite: () => OpenSqlite;
}

/** The arguments of a runtime's `listen` function. */
export interface ListenOptions {
  readonly app: RealtimeServer["app"];
  readonly host: string;
  readonly port: number;
  /** Maximum time without traffic on a connection in use. After this time, the connection may be closed. */
  readonly maxSilence: Milliseconds;
  /** The process's limit of open files, if there is one. */
  readonly files: OpenFiles | undefined;
  /** Call this for each connection or stream that is refused because of the limit of open files. */
  readonly onRefused: () => void;
}

/** A listening server of one runtime. */
export interface Listener {
  readonly url: string;
  /** Stops accepting connections. Resolves when the last connection is closed. */
  readonly stop: () => Promise<unknown>;
  /** Closes every connection at once. */
  readonly closeConnections: () => void;
}

/**
 * Seconds that an idle connection stays open. Must be longer than the 60 seconds of nginx (`keepalive_timeout` of an
 * upstream). If a proxy keeps an idle connection for longer than the server, the proxy may send a request on a closing
 * connection and answer 502.
 */
export const KEEP_ALIVE_SECONDS = 75;

/**
 * Creates the service and listens. Its defaults differ from those of `createServer`, because there is no embedding app: every
 * origin is allowed, and health checks, the OpenAPI document and metrics (for requests with the admin key) are on.
 */
export async function startListening(
  options: StartOptions,
  { listen, loadSqlite }: ListeningRuntime,
): Promise<RunningServer> {
  const { openTelemetry, tracing = openTelemetry && (await loadTracing(options.logger)) } = options;
  const opened = await openParts(options, loadSqlite);
  try {
    const parts = { ...opened, tracing: tracing || undefined, data: undefined, redis: undefined };
    return await listenWith({ ...options, ...parts }, listen);
  } catch (error) {
    // Releases the folder or the connections, so that another attempt to start can use them.
    await opened.log?.release?.();
    await opened.bus?.close();
    throw error;
  }
}

async function listenWith(
  options: StartOptions,
  listen: ListeningRuntime["listen"],
): Promise<RunningServer> {
  const logger = options.logger && protectLogger(options.logger, monotonicClock(options));
  const files = readOpenFiles();
  let refused = 0;
  const onRefused = () => {
    refused += 1;
    const hint = "raise the limit of open files (ulimit -n, or LimitNOFILE= in systemd)";
    logger?.warn("connections are refused", { openFiles: files?.limit, hint });
  };
  const server = createServer({
    ...options,
    logger,
    runtime: { ...options.runtime, connectionsRefused: () => refused },
    origins: options.origins ?? DEFAULTS.origins,
    health: options.health ?? true,
    openapi: options.openapi ?? true,
    metrics: options.metrics ?? DEFAULTS.metrics,
  });
  const { host = DEFAULT_HOST, port = DEFAULT_PORT } = options;
  const maxSilence = maxSilenceOf(options);
  const listener = await listen({ app: server.app, host, port, maxSilence, files, onRefused });
  const drainTimeout = options.drainTimeout ?? DEFAULTS.drainTimeout;
  let closing: Promise<void> | undefined;
  return {
    ...server,
    url: listener.url,
    close: () => {
      closing ??= closeServer(server, listener, drainTimeout);
      return closing;
    },
  };
}

/**
 * Opens the log in the folder `data`, or connects to `redis`. Returns an empty object without these options.
 *
 * @throws RealtimeError `invalid_config`, and the errors of `openRedis`.
 */
async function openParts(
  options: StartOptions,
  loadSqlite: ListeningRuntime["loadSqlite"],
): Promise<Partial<RedisParts>> {
  const { data, redis, log, registry } = options;
  const name = data === undefined ? "redis" : "data";
  if ((data ?? redis) === undefined) return {};
  const other = data !== undefined && redis !== undefined ? redis : (log ?? registry);
  if (other !== undefined) {
    throw new RealtimeError(
      "invalid_config",
      other === redis
        ? "data and redis can't be used together, because each has its own history. Remove one of them. The variables are REALTIME_DATA and REDIS_URL."
        : `${name} would have no effect, because log or registry is set. Remove one of them.`,
    );
  }
  const kept = {
    bytes: options.keptBytes ?? DEFAULTS.keptBytes,
    topics: options.keptTopics ?? DEFAULTS.keptTopics,
  };
  if (redis !== undefined) return openRedis({ ...options, ...redis, kept });
  // `openLog` ignores the options that it does not have. The cast: without `redis`, there is `data`.
  return {
    log: openLog(data as string, loadSqlite(), { ...options, sync: options.dataSync, kept }),
  };
}

function maxSilenceOf(options: StartOptions): Milliseconds {
  const { pingInterval = DEFAULTS.pingInterval, staleTimeout = DEFAULTS.staleTimeout } = options;
  return pingInterval + staleTimeout + (options.requestTimeout ?? DEFAULT_LIMITS.requestTimeout);
}

async function closeServer(
  server: RealtimeServer,
  listener: Listener,
  drainTimeout: Milliseconds,
): Promise<void> {
  const deadline = setTimeout(listener.closeConnections, drainTimeout);
  const drained = server.close();
  // Clients of ended streams reconnect after `RETRY_RANGES.shutdown.min` at the earliest. The port is closed by then,
  // so that the clients connect to the process that replaces this one. Until the port is closed, new streams are asked to
  // reconnect (api/middleware/temporary-errors.ts).
  await settledWithin(drained, RETRY_RANGES.shutdown.min);
  const stopped = listener.stop();
  await drained;
  await stopped;
  clearTimeout(deadline);
}

/** Returns `http://host:port`, with an IPv6 address in brackets. */
export function formatURL(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Creates the 400 response to a request without a valid URL. Such a request is not passed to Hono. */
export function malformedRequestResponse(): Response {
  const message = "The request's path and its Host header do not form a valid URL.";
  return Response.json({ status: 400, message, data: {} }, { status: 400 });
}
