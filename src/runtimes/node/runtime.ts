import type { Runtime } from "../../api/runtime.ts";
import { nodeBindings } from "./bindings.ts";
import { readNodeMetrics } from "./node-metrics.ts";
import { openNodeSink } from "./sink.ts";

/**
 * The runtime of a server on Node. Pass it to `createServer` if you mount the service in your own app.
 *
 * @example
 * ```ts
 * import { serve } from "@hono/node-server";
 * import { Hono } from "hono";
 * import { createServer } from "pocketwire";
 * import { nodeRuntime } from "pocketwire/node";
 *
 * const realtime = createServer({ runtime: nodeRuntime });
 * const app = new Hono();
 * app.route("/", realtime.app);
 * serve(app);
 * ```
 */
export const nodeRuntime: Runtime = {
  isOneProcess: true,
  nextTurn: (run) => void setImmediate(run),
  clientAddress: (c) => nodeBindings(c).incoming?.socket?.remoteAddress,
  missing: (c) =>
    nodeBindings(c).incoming === undefined
      ? "Serve the app with @hono/node-server, or call app.fetch(request, { incoming, outgoing })."
      : undefined,
  abort: (c) => void nodeBindings(c).outgoing?.destroy(),
  isBodyRead: (c) => {
    const { incoming } = nodeBindings(c);
    // Some platforms read the body before they call the app, and store it in `rawBody`. @hono/node-server 2.1 reads it there.
    return incoming?.readableDidRead === true && !("rawBody" in incoming);
  },
  version: process.versions.node,
  processMetrics: readNodeMetrics,
  httpVersion: (c) => nodeBindings(c).incoming?.httpVersion ?? "1.1",
  openSink: openNodeSink,
};
