/** Starts the service on Node: listens, and passes requests to Hono's app. */
import { createServer as createHTTPServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
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
import { createQueueCloser } from "./pipelining.ts";
import { nodeRuntime } from "./runtime.ts";
import { loadSqlite } from "./sqlite.ts";

/** Time without traffic after which the kernel probes a connection. */
const TCP_KEEP_ALIVE_DELAY = 30_000;

/** Time between two checks for idle connections while the server shuts down. */
const SWEEP_INTERVAL = 50;

/**
 * Starts the service on Node. Resolves when the service listens.
 *
 * @throws Error when the address can't be used, for example because the port is taken.
 * @throws RealtimeError `invalid_config` when an option is invalid, and when the folder `data` can't be used.
 * @example
 * ```ts
 * import { startServer } from "pocketwire/node";
 *
 * const server = await startServer({ port: 8090, adminKey: process.env.ADMIN_KEY });
 * console.log(server.url);
 * await server.close();
 * ```
 */
export function startServer(options: StartOptions = {}): Promise<RunningServer> {
  return startListening(
    { ...options, runtime: options.runtime ?? nodeRuntime },
    { listen, loadSqlite },
  );
}

async function listen(options: ListenOptions): Promise<Listener> {
  const { app, host, port, maxSilence, files, onRefused } = options;
  // `hostname` completes the URL of a request without a Host header (HTTP/1.0 health checks). `errorHandler` answers an
  // invalid request with an error in the format of the API.
  const handle = getRequestListener(app.fetch, {
    hostname: host,
    errorHandler: malformedRequestResponse,
  });
  const closeQueued = createQueueCloser();
  let inFlight = 0;
  const server = createHTTPServer(
    {
      // Detects a dead connection without traffic. Pings detect a dead connection of a stream.
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_DELAY,
      keepAliveTimeout: KEEP_ALIVE_SECONDS * 1000,
    },
    (incoming, outgoing) => {
      inFlight += 1;
      closeQueued(incoming, outgoing);
      outgoing.on("close", () => {
        inFlight -= 1;
      });
      return handle(incoming, outgoing);
    },
  );
  // Closes the connection of a client that pipelines requests and does not read the responses. By default, Node has no limit.
  server.timeout = maxSilence;
  if (files !== undefined) {
    limitConnections(server, Math.max(files.usableLimit - files.count(), 1), onRefused);
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    // The cast: `address` returns an `AddressInfo` for a server that listens on a port.
    url: formatURL(host, (server.address() as AddressInfo).port),
    stop: () => {
      const stopped = new Promise((resolve) => server.close(resolve));
      // An idle connection would stay open for its keep-alive time. Node counts a connection that has had no request as
      // busy, so these connections are closed when no request is in flight.
      const sweep = setInterval(() => {
        if (inFlight === 0) server.closeAllConnections();
        else server.closeIdleConnections();
      }, SWEEP_INTERVAL);
      return stopped.finally(() => clearInterval(sweep));
    },
    closeConnections: () => server.closeAllConnections(),
  };
}

/**
 * Closes connections above a maximum. Not `server.maxConnections`: a worker of `node:cluster` would return the connection to the
 * primary process, which offers it to the other workers over and over while all of them are full (seen on Node 20).
 */
function limitConnections(server: Server, max: number, onRefused: () => void): void {
  let open = 0;
  server.prependListener("connection", (socket: Socket) => {
    if (open >= max) {
      socket.destroy();
      onRefused();
      return;
    }
    open += 1;
    socket.on("close", () => {
      open -= 1;
    });
  });
}
