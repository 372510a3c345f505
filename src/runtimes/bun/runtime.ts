import type { Context } from "hono";
import type { Runtime } from "../../api/runtime.ts";
import { readProcessMetrics } from "../process/process-metrics.ts";
import { getBunServer } from "./bindings.ts";
import { openBunSink } from "./sink.ts";

/**
 * The runtime of a server on Bun. Pass it to `createServer` if you mount the service in your own app.
 *
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { createServer } from "pocketwire";
 * import { bunRuntime } from "pocketwire/bun";
 *
 * const realtime = createServer({ runtime: bunRuntime });
 * const app = new Hono();
 * app.route("/", realtime.app);
 * export default { fetch: app.fetch };
 * ```
 */
export const bunRuntime: Runtime = {
  isOneProcess: true,
  nextTurn: (run) => void setImmediate(run),
  clientAddress: (c) => getBunServer(c)?.requestIP(c.req.raw)?.address,
  missing: describeMissing,
  version: Bun.version,
  processMetrics: readProcessMetrics,
  openSink: openBunSink,
};

function describeMissing(c: Context): string | undefined {
  const server = getBunServer(c);
  if (server === undefined) {
    return "Pass Bun's server: export default { fetch: app.fetch }, or fetch: (request, server) => app.fetch(request, { server }).";
  }
  // A server on a Unix socket has no port, and its clients have no addresses.
  if (server.port === undefined || server.requestIP(c.req.raw) !== null) return undefined;
  return (
    "Pass the request that Bun.serve gave you: Bun does not know a copy, and ends its stream after idleTimeout without " +
    "data. Hono's app.mount() copies requests; use app.route(path, realtime.app) instead."
  );
}
