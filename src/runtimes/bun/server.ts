/** Starts the service on Bun: listens, and passes requests to Hono's app. */
import { asksToClose } from "../../api/runtime.ts";
import { DEFAULT_HOST, DEFAULT_PORT } from "../../config/process-variables.ts";
import {
  formatURL,
  KEEP_ALIVE_SECONDS,
  type Listener,
  type ListenOptions,
  malformedRequestResponse,
  type RunningServer,
  type StartOptions,
  startListening,
} from "../process/listening.ts";
import { workerNumber } from "../process/worker-link.ts";
import type { BunServer } from "./bindings.ts";
import { ListeningSocket } from "./listening-socket.ts";
import { isStreamRequest, OpenFileLimiter, refuseStream } from "./open-files.ts";
import { completeURL } from "./request-url.ts";
import { bunRuntime } from "./runtime.ts";
import { loadSqlite } from "./sqlite.ts";

const RUNNING_SERVERS: unique symbol = Symbol.for("pocketwire.running");

/**
 * Starts the service on Bun. Resolves when the service listens. `bun --hot` evaluates the program again in the same process.
 * The new server then replaces the earlier server with the same host and port. The streams of the earlier server end with
 * `retry:`.
 *
 * @throws Error when the address can't be used, for example because the port is taken.
 * @throws RealtimeError `invalid_config` when an option is invalid, and when the folder `data` can't be used.
 * @example
 * ```ts
 * import { startServer } from "pocketwire/bun";
 *
 * const server = await startServer({ port: 8090, adminKey: process.env.ADMIN_KEY });
 * console.log(server.url);
 * await server.close();
 * ```
 */
export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const start = () =>
    startListening({ ...options, runtime: options.runtime ?? bunRuntime }, { listen, loadSqlite });
  if (!process.execArgv.includes("--hot")) return start();
  const running = runningServers();
  const { host = DEFAULT_HOST, port = DEFAULT_PORT } = options;
  const address = formatURL(host, port);
  // Without this, Bun gives the port to the new server but keeps the streams of the earlier server open. The registry of these
  // streams would get no more messages.
  await running.get(address)?.close();
  const server = await start();
  running.set(address, server);
  return server;
}

/** Returns the running servers by URL. They are a property of `globalThis`, because a reload keeps nothing else. */
function runningServers(): Map<string, RunningServer> {
  // The cast adds our property to the type of `globalThis`.
  const store = globalThis as { [RUNNING_SERVERS]?: Map<string, RunningServer> };
  store[RUNNING_SERVERS] ??= new Map();
  return store[RUNNING_SERVERS];
}

async function listen(options: ListenOptions): Promise<Listener> {
  const { app, host, files, onRefused } = options;
  const limiter = files && new OpenFileLimiter(files);
  const handle = async (request: Request, server: BunServer): Promise<Response> => {
    if (limiter?.isFull() === true && isStreamRequest(request)) {
      onRefused();
      return refuseStream();
    }
    if (!completeURL(request, host, server.port ?? options.port)) return malformedRequestResponse();
    return announceClose(request, await app.fetch(request, { server }));
  };
  // Workers share the port. Linux chooses a worker for each connection by a hash of the addresses.
  const reusePort = workerNumber() !== undefined;
  const serve = (port: number) =>
    // `idleTimeout` closes idle connections, and connections with a response that the client does not read. The sink exempts
    // streams. Separate limits apply to a request's head, 12 seconds (measured with Bun 1.4), and its body, `requestTimeout`.
    Bun.serve({
      ...{ hostname: host, port, reusePort, idleTimeout: KEEP_ALIVE_SECONDS },
      fetch: handle,
    });
  const socket = new ListeningSocket(serve, options.port);
  limiter?.watch(socket, onRefused);
  return {
    url: formatURL(host, socket.port),
    stop: () => {
      limiter?.stop();
      return socket.stop();
    },
    closeConnections: () => socket.closeAllConnections(),
  };
}

/** Bun 1.4 closes the connection if the client asks for it, but does not send `Connection: close`. */
function announceClose(request: Request, response: Response): Response {
  if (asksToClose(request.headers)) response.headers.set("Connection", "close");
  return response;
}
