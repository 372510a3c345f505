import type { Runtime } from "../../api/runtime.ts";
import { openWorkerSink } from "./sink.ts";

/**
 * What Workers know about a request. Pass it to `createServer` when you mount the service in an app of your own.
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
