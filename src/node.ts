/** Runs the service on Node: `startServer` for programs, and this file as a program. */
import { realpathSync } from "node:fs";
import {
  createServer as createHTTPServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { getRequestListener } from "@hono/node-server";
import type { Context } from "hono";
import type { Runtime } from "./api/runtime.ts";
import { openNodeSink } from "./runtimes/node/sink.ts";
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

interface NodeBindings {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** Nothing where the app was called without Node's request and response: `app.request()`, `fetch(request)`. */
const bindings = (c: Context) => (c.env ?? {}) as Partial<NodeBindings>;

/** What Node knows of a request: give it to `createServer` when you mount it in an app of your own. */
export const nodeRuntime: Runtime = {
  isOneProcess: true,
  nextTurn: (run) => void setImmediate(run),
  clientAddress: (c) => bindings(c).incoming?.socket?.remoteAddress,
  missing: (c) =>
    bindings(c).incoming === undefined
      ? "Serve the app with @hono/node-server, or call app.fetch(request, { incoming, outgoing })."
      : undefined,
  abort: (c) => void bindings(c).outgoing?.destroy(),
  isBodyRead: (c) => {
    const { incoming } = bindings(c);
    // Where a platform has read the body, it leaves the bytes in `rawBody`, and node-server takes them from there.
    return incoming?.readableDidRead === true && !("rawBody" in incoming);
  },
  httpVersion: (c) => bindings(c).incoming?.httpVersion ?? "1.1",
  openSink: openNodeSink,
};

/**
 * A response that waits behind another on its connection (pipelining) is told nothing when the socket closes,
 * so its client would never be seen to leave. This passes it on.
 */
function createQueueCloser(): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const queues = new WeakMap<Socket, Set<ServerResponse>>();
  return ({ socket }, outgoing) => {
    if (outgoing.socket !== null) return;
    let queue = queues.get(socket);
    if (queue === undefined) {
      const waiting = new Set<ServerResponse>();
      socket.once("close", () => {
        for (const response of waiting) response.emit("close");
      });
      queues.set(socket, waiting);
      queue = waiting;
    }
    queue.add(outgoing);
    outgoing.once("socket", () => queues.get(socket)?.delete(outgoing));
  };
}

/** Starts the service. Resolves when it listens. @throws when the address can't be had. */
export function startServer(options: StartOptions = {}): Promise<RunningServer> {
  return startListening({ ...options, runtime: options.runtime ?? nodeRuntime }, listen);
}

async function listen(options: ListenOptions): Promise<Listener> {
  const { app, host, port, maxSilence, files, onRefused } = options;
  // Without a Host (HTTP/1.0 probes) it is this one; what can't be a request gets an answer in our shape.
  const handle = getRequestListener(app.fetch, {
    hostname: host,
    errorHandler: malformedRequestResponse,
  });
  const closeQueued = createQueueCloser();
  let inFlight = 0;
  const server = createHTTPServer(
    {
      // Finds a peer that is gone when nothing is on its way to it; pings find the others.
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
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
  // Closes the connection of a client that pipelines requests and reads no answers: Node has no limit for that.
  server.timeout = maxSilence;
  if (files !== undefined) {
    server.maxConnections = Math.max(files.usableLimit - files.count(), 1);
    server.on("drop", onRefused);
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    url: formatURL(host, (server.address() as AddressInfo).port),
    stop: () => {
      const stopped = new Promise((resolve) => server.close(resolve));
      // Connections that carry nothing would stay for their keep-alive time; one that a client opened in
      // advance and has not used counts as busy for Node, so those go when nothing else is left.
      const sweep = setInterval(() => {
        if (inFlight === 0) server.closeAllConnections();
        else server.closeIdleConnections();
      }, 50);
      return stopped.finally(() => clearInterval(sweep));
    },
    closeConnections: () => server.closeAllConnections(),
  };
}

const isProgram =
  process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isProgram) await runProcess(startServer);
