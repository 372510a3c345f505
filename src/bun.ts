/** Runs the service on Bun: `startServer` for programs, and this file as a program. */
import type { Server } from "bun";
import type { Context } from "hono";
import type { Runtime } from "./api/peer.ts";
import type { RealtimeServer } from "./api/server.ts";
import { openBunSink } from "./bun-sink.ts";
import {
  formatURL,
  type Listener,
  type RunningServer,
  runProcess,
  type StartOptions,
  startListening,
} from "./process.ts";

export type { RunningServer, StartOptions } from "./process.ts";

type BunServer = Server<undefined>;

const server = (c: Context) => (c.env as { server: BunServer }).server;

/** What Bun knows of a request: give it to `createServer` when you mount it in an app of your own. */
export const bunRuntime: Runtime = {
  isOneProcess: true,
  clientAddress: (c) => server(c).requestIP(c.req.raw)?.address,
  openSink: openBunSink,
};

/** Starts the service. Resolves when it listens. @throws when the address can't be had. */
export function startServer(options: StartOptions = {}): Promise<RunningServer> {
  return startListening({ ...options, runtime: options.runtime ?? bunRuntime }, listen);
}

async function listen({ app }: RealtimeServer, host: string, port: number): Promise<Listener> {
  const bun = Bun.serve({
    hostname: host,
    port,
    // Slow requests, answers that nobody reads and idle connections end here; streams are exempt (bun-sink.ts).
    idleTimeout: 30,
    fetch: (request, server) => app.fetch(request, { server }),
  });
  return {
    url: formatURL(host, bun.port ?? port),
    stop: () => bun.stop(),
    cut: () => void bun.stop(true),
  };
}

if (import.meta.main) await runProcess(startServer);
