/** Runs the service on Bun: `startServer` for programs, and this file as a program. */
import type { Server } from "bun";
import type { Context } from "hono";
import { asksToClose, type Runtime } from "./api/runtime.ts";
import { DEFAULT_HOST, DEFAULT_PORT } from "./config/variables.ts";
import { Door, FileGuard, opensStream, refuseStream } from "./runtimes/bun/open-files.ts";
import { bunServerOf, openBunSink } from "./runtimes/bun/sink.ts";
import {
  formatURL,
  KEEP_ALIVE_SECONDS,
  type Listener,
  type ListenOptions,
  malformedRequestResponse,
  type RunningServer,
  type StartOptions,
  startListening,
} from "./runtimes/process/listening.ts";
import { runProcess } from "./runtimes/process/run.ts";

export type { RunningServer, StartOptions } from "./runtimes/process/listening.ts";

const RUNNING: unique symbol = Symbol.for("pocketwire.running");

function missingOn(c: Context): string | undefined {
  const server = bunServerOf(c);
  if (server === undefined)
    return "Pass Bun's server: export default { fetch: app.fetch }, or fetch: (request, server) => app.fetch(request, { server }).";
  // A server on a Unix socket has no port, and its clients have no address.
  if (server.port === undefined || server.requestIP(c.req.raw) !== null) return undefined;
  return (
    "Pass the request that Bun.serve gave you: Bun does not know a copy, and ends its stream after idleTimeout without " +
    "data. Hono's app.mount() copies requests; use app.route(path, realtime.app) instead."
  );
}

/** What Bun knows of a request: give it to `createServer` when you mount it in an app of your own. */
export const bunRuntime: Runtime = {
  isOneProcess: true,
  nextTurn: (run) => void setImmediate(run),
  clientAddress: (c) => bunServerOf(c)?.requestIP(c.req.raw)?.address,
  missing: missingOn,
  openSink: openBunSink,
};

/**
 * Starts the service. Resolves when it listens. Under `bun --hot`, which evaluates the program again in the same process,
 * a server on the same port takes the place of the one before: its streams end with `retry:`.
 *
 * @throws when the address can't be had.
 */
export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const start = () =>
    startListening({ ...options, runtime: options.runtime ?? bunRuntime }, listen);
  if (!process.execArgv.includes("--hot")) return start();
  const running = runningServers();
  const { host = DEFAULT_HOST, port = DEFAULT_PORT } = options;
  const address = formatURL(host, port);
  // Bun would give the port to the new server, and leave the open streams to a registry that no one publishes to.
  await running.get(address)?.close();
  const server = await start();
  running.set(address, server);
  return server;
}

/** What outlives a reload, by address. */
function runningServers(): Map<string, RunningServer> {
  const kept = globalThis as { [RUNNING]?: Map<string, RunningServer> };
  kept[RUNNING] ??= new Map();
  return kept[RUNNING];
}

/**
 * Bun's `request.url` is a bare path where the request has no Host, or one that can't be in an address; Hono then takes a
 * part of that path for the host. Without a Host (HTTP/1.0) the URL is made with the address that the service listens at.
 *
 * @returns false for what is no address.
 */
function completeURL(request: Request, host: string, port: number): boolean {
  if (URL.canParse(request.url)) return true;
  // An empty Host is as good as none (RFC 9112, section 3.2).
  if (request.headers.get("Host")) return false;
  const url = formatURL(host, port) + request.url;
  if (!request.url.startsWith("/") || !URL.canParse(url)) return false;
  // Not a new Request: Bun knows the connection of this object only.
  Object.defineProperty(request, "url", { value: url });
  return true;
}

/** Bun closes the connection when its client asks for that, but does not say so. */
function answerClose(request: Request, response: Response): Response {
  if (asksToClose(request.headers)) response.headers.set("Connection", "close");
  return response;
}

async function listen(options: ListenOptions): Promise<Listener> {
  const { app, host, files, onRefused } = options;
  const guard = files && new FileGuard(files);
  const answer = async (request: Request, server: Server<undefined>): Promise<Response> => {
    if (guard?.isFull() === true && opensStream(request)) {
      onRefused();
      return refuseStream();
    }
    if (!completeURL(request, host, server.port ?? options.port)) return malformedRequestResponse();
    return answerClose(request, await app.fetch(request, { server }));
  };
  const serve = (port: number) =>
    // Ends idle connections, and answers that their clients do not read. A request's head has 12 seconds in any case (measured
    // with Bun 1.4), its body REALTIME_REQUEST_SECONDS (limitBody). Streams are exempt (bun-sink.ts).
    Bun.serve({ hostname: host, port, idleTimeout: KEEP_ALIVE_SECONDS, fetch: answer });
  const door = new Door(serve, options.port);
  guard?.watch(door, onRefused);
  return {
    url: formatURL(host, door.port),
    stop: () => {
      guard?.stop();
      return door.stop();
    },
    closeConnections: () => door.cut(),
  };
}

if (import.meta.main) await runProcess(startServer);
