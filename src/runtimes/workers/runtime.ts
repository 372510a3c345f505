import type { Runtime } from "../../api/runtime.ts";
import { openWorkerSink } from "./sink.ts";

/**
 * The runtime of a server on Workers. Pass it to `createServer` if you mount the service in your own app.
 *
 * @example
 * const realtime = createServer({ runtime: workerRuntime });
 */
export const workerRuntime: Runtime = {
  clientAddress: (c) => c.req.header("CF-Connecting-IP"),
  // Cloudflare terminates the client's connection, and speaks HTTP/2 or HTTP/3 with it.
  httpVersion: () => "2.0",
  openSink: openWorkerSink,
};
