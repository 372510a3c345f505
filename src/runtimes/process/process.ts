/**
 * What the two entries that are processes (node.ts, bun.ts) share: settings from the environment and
 * `.dev.vars`, signals, and what is said at the start. Both runtimes have these `node:` modules.
 */
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { checkPublicKeys } from "../../api/auth/jwt-keys.ts";
import { DEFAULT_LIMITS, DEFAULTS } from "../../api/limits.ts";
import { createLogger } from "../../api/logger.ts";
import type { ServerOptions } from "../../api/options.ts";
import { nearestName } from "../../api/schemas/nearest-name.ts";
import { createServer, type RealtimeServer } from "../../api/server.ts";
import {
  type Config,
  type Environment,
  findContradictions,
  findUnknownVariables,
  readConfig,
  VARIABLES,
} from "../../config/config.ts";
import type { HistoryLimits } from "../../log/log.ts";
import { createMemoryLog } from "../../log/memory.ts";
import { monotonicClock } from "../../realtime/clock.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import { protectLogger } from "../../realtime/protected-logger.ts";
import type { Logger } from "../../realtime/types.ts";
import { RETRY_RANGES } from "../../stream/retry.ts";
import { createStreamOutput } from "./log-output.ts";
import { describeShortage, type OpenFiles, readOpenFiles } from "./open-files.ts";

/** What `startServer` may be given, on top of what `createServer` takes. */
export interface StartOptions extends ServerOptions {
  /** Name or address to listen at. Default `127.0.0.1`: this machine only. */
  readonly host?: string | undefined;
  /** Default 8090; 0 takes a free one. */
  readonly port?: number | undefined;
  /** Bounds of the default log. */
  readonly history?: Partial<HistoryLimits> | undefined;
  /** How long `close` waits for streams and requests before it cuts them, in milliseconds. Default 10,000. */
  readonly drainTimeout?: number | undefined;
}

/** A running service. */
export interface RunningServer extends RealtimeServer {
  /** Where it listens: `http://127.0.0.1:8090`. */
  readonly url: string;
}

/** What a runtime needs to listen. */
export interface ListenOptions {
  readonly app: RealtimeServer["app"];
  readonly host: string;
  readonly port: number;
  /** Milliseconds in which something happens on each connection that is in use: a ping at the latest. */
  readonly silence: number;
  /** The process's limit of open files, where there is one. */
  readonly files: OpenFiles | undefined;
  /** To be called for each connection that is refused because of it. */
  readonly onRefused: () => void;
}

/** One runtime's way of listening. */
export interface Listener {
  readonly url: string;
  /** Accepts no more connections; resolves when the last one is gone. */
  readonly stop: () => Promise<unknown>;
  /** Cuts every connection. */
  readonly closeConnections: () => void;
}

/**
 * How long a connection stays open between two requests, in seconds. A proxy that keeps it longer sends a request on a
 * connection that is being closed, and answers 502: nginx keeps connections for 60 s (`keepalive_timeout` of an upstream).
 */
export const KEEP_ALIVE_SECONDS = 75;

/** Makes the service, listens, and ties their ends together. */
export async function startListening(
  options: StartOptions,
  listen: (options: ListenOptions) => Promise<Listener>,
): Promise<RunningServer> {
  const { history, now, monotonicNow } = options;
  const log = options.log ?? createMemoryLog({ history, now, monotonicNow });
  const logger = options.logger && protectLogger(options.logger, monotonicClock(options));
  const files = readOpenFiles();
  let refused = 0;
  const onRefused = () => {
    refused += 1;
    const hint = "raise the limit of open files (ulimit -n, or LimitNOFILE= in systemd)";
    logger?.warn("connections are refused", { openFiles: files?.limit, hint });
  };
  const runtime = { ...options.runtime, connectionsRefused: () => refused };
  const server = createServer({
    ...options,
    ...{ log, logger, runtime },
    // A service of its own has all of it; an app that mounts `createServer` asks for it.
    origins: options.origins ?? DEFAULTS.origins,
    health: options.health ?? true,
    openapi: options.openapi ?? true,
    metrics: options.metrics ?? DEFAULTS.metrics,
  });
  const { host = "127.0.0.1", port = 8090 } = options;
  const { pingInterval = DEFAULTS.pingInterval, staleTimeout = DEFAULTS.staleTimeout } = options;
  const { requestTimeout = DEFAULT_LIMITS.requestTimeout } = options;
  const silence = pingInterval + staleTimeout + requestTimeout;
  const listener = await listen({ app: server.app, host, port, silence, files, onRefused });
  const close = async () => {
    const deadline = setTimeout(
      listener.closeConnections,
      options.drainTimeout ?? DEFAULTS.drainTimeout,
    );
    const drained = server.close();
    // New streams are asked to come back (stream-refusals.ts). Those that were ended return after RETRY.shutdown.least at the
    // earliest; from then on the port is closed, so that they meet the process that takes over.
    await settledWithin(drained, RETRY_RANGES.shutdown.least);
    const stopped = listener.stop();
    await drained;
    await stopped;
    clearTimeout(deadline);
  };
  let closing: Promise<void> | undefined;
  return {
    ...server,
    url: listener.url,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

async function settledWithin(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const elapsed = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise, elapsed]);
  clearTimeout(timer);
}

/** `http://host:port`, with an address of IP version 6 in brackets. */
export function formatURL(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Answers a request when its target and its Host header do not make a valid URL. */
export function malformedRequestResponse(): Response {
  const message = "The request can't be answered: its address or its Host header is malformed.";
  return Response.json({ status: 400, message, data: {} }, { status: 400 });
}

/** Settings, and whether the admin key is the published one of `.dev.vars`. */
export interface ProcessSettings {
  readonly config: Config;
  /** Names in the environment and in `.dev.vars` that begin as ours and are not read. */
  readonly unknown: readonly string[];
  readonly isDevelopmentKey: boolean;
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/**
 * Reads `.dev.vars` in the working directory, then the environment, which wins. With NODE_ENV=production
 * the file is left alone.
 *
 * @throws RealtimeError `invalid_config`; also for the development key on an address others can reach.
 */
export function readProcessSettings(environment: Environment = process.env): ProcessSettings {
  const file = environment.NODE_ENV === "production" ? {} : readDevVars();
  const set = Object.entries(environment).filter(
    ([, value]) => value !== undefined && value !== "",
  );
  const variables = { ...file, ...Object.fromEntries(set) };
  const config = readConfig(variables);
  const isDevelopmentKey =
    config.adminKey !== undefined &&
    !environment.REALTIME_ADMIN_KEY &&
    file.REALTIME_ADMIN_KEY === config.adminKey;
  if (isDevelopmentKey && !LOOPBACK.test(config.host)) {
    throw new RealtimeError(
      "invalid_config",
      `HOST is ${config.host}, which others can reach, and REALTIME_ADMIN_KEY is the one in .dev.vars, ` +
        "which is published. Set REALTIME_ADMIN_KEY in the environment.",
    );
  }
  return { config, isDevelopmentKey, unknown: findUnknownVariables(variables) };
}

/** Variables of `.dev.vars` in the working directory; none without one. */
export function readDevVars(): Environment {
  try {
    // Some editors begin a file with a byte order mark, which would become part of the first name.
    return parseEnv(readFileSync(".dev.vars", "utf8").replace(/^\uFEFF/, "")) as Environment;
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return {};
    throw new RealtimeError("invalid_config", `.dev.vars can't be read: ${String(error)}`, {
      cause: error,
    });
  }
}

/** Runs the service until a signal: starts it, says what to try, stops it in an orderly way. */
export async function runProcess(
  start: (options: StartOptions) => Promise<RunningServer>,
): Promise<void> {
  // A closed stderr must not end the service.
  process.stderr.on("error", () => {});
  let settings: ProcessSettings;
  try {
    settings = readProcessSettings();
    await checkPublicKeys(settings.config.tokens ?? {}, "REALTIME_JWT_PUBLIC_KEY");
  } catch (error) {
    if (!(error instanceof RealtimeError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
  const { config, isDevelopmentKey, unknown } = settings;
  const text = config.logFormat === "text" || (config.logFormat === "auto" && process.stdout.isTTY);
  const format = text ? "text" : "json";
  const output = createStreamOutput(process.stdout);
  const logger = createLogger({ level: config.logLevel, format, output });
  let server: RunningServer;
  try {
    const console = config.console ?? process.env.NODE_ENV !== "production";
    server = await start({ ...config, console, logger });
  } catch (error) {
    const { host, port } = config;
    // Written at every log level: the process is about to exit.
    createLogger({ format, output }).error("could not start", { error: String(error), host, port });
    await written(process.stdout);
    process.exit(1);
  }
  for (const name of unknown) {
    const didYouMean = nearestName(name, VARIABLES);
    logger.warn("there is no such variable; is the name misspelt?", { name, didYouMean });
  }
  for (const hint of findContradictions(config))
    logger.warn("settings contradict each other", { hint });
  // Before the line `listening`: a supervisor may send a signal right after it.
  stopOnSignal(server, logger);
  logger.info("listening", { url: server.url, pid: process.pid });
  const files = readOpenFiles();
  const shortage = files && describeShortage(files, config.maxClients);
  if (shortage !== undefined) logger.warn("too few open files for so many clients", shortage);
  if (config.adminKey === undefined) {
    logger.warn("publishing is closed: set REALTIME_ADMIN_KEY to open it");
  }
  if (process.env.NODE_ENV !== "production") {
    process.stderr.write(whatToTry(server.url, isDevelopmentKey ? config.adminKey : undefined));
  }
}

/** Milliseconds that the last lines of the log may take. */
const LAST_LINES_TIMEOUT = 500;

/** Waits until a stream has written what it was given, or can't. */
async function written(stream: NodeJS.WriteStream): Promise<void> {
  const flushed = new Promise<void>((resolve) => stream.write("", () => resolve()));
  await settledWithin(flushed, LAST_LINES_TIMEOUT);
}

function stopOnSignal(server: RunningServer, logger: Logger): void {
  let stopping = false;
  const stop = async (signal: string) => {
    // A second signal forces an immediate exit.
    if (stopping) process.exit(1);
    stopping = true;
    logger.info("stopping", { signal });
    await server.close();
    logger.info("stopped");
    await written(process.stdout);
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    // Under `bun --hot` those of the evaluation before are there still, and would exit at once.
    process.removeAllListeners(signal);
    process.on(signal, () => void stop(signal));
  }
  // npm signals its shell, which ends without passing the signal on: this process sees only that its parent changed.
  if (!isAwaitedByNpm()) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    void stop("the end of npm");
  }, 250);
}

/**
 * Whether the parent is the shell in which npm runs this program, in the foreground. A script that puts the service into
 * the background ends before it, and the service is meant to stay.
 */
function isAwaitedByNpm(): boolean {
  const { npm_lifecycle_script: script } = process.env;
  if (script === undefined || /(^|[^&>])&([^&>]|$)/.test(script)) return false;
  try {
    const command = readFileSync(`/proc/${process.ppid}/cmdline`, "utf8");
    return command.includes("\0-c\0") && command.includes(script);
  } catch {
    // Not Linux: the parent can't be looked at.
    return true;
  }
}

/** Three lines to paste, one terminal for the first and one for the others. A key from the environment is not repeated. */
function whatToTry(url: string, developmentKey: string | undefined): string {
  const key = developmentKey ?? "$REALTIME_ADMIN_KEY";
  const api = `${url}/api/realtime`;
  const json = "-H 'Content-Type: application/json'";
  return `
Try it. Listen in one terminal:
  curl -sN ${api} | tee /tmp/pocketwire.txt
Subscribe and publish in another:
  curl ${api} ${json} -d '{"clientId":"'$(sed -n '/^id: /{s///p;q;}' /tmp/pocketwire.txt)'","subscriptions":["chat"]}'
  curl ${api}/messages -H "Authorization: Bearer ${key}" ${json} -d '{"topic":"chat","data":{"text":"hello"}}'

`;
}
