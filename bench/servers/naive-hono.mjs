// Hono's streamSSE as its documentation shows it, with one writeSSE for each client and message.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { PORT } from "./settings.mjs";

const app = new Hono();
const streams = new Set();
let id = 0;
app.get("/events", (c) =>
  streamSSE(c, async (stream) => {
    streams.add(stream);
    await stream.writeSSE({ data: "hello" });
    await new Promise((resolve) => stream.onAbort(resolve));
    streams.delete(stream);
  }),
);
app.post("/publish", async (c) => {
  const data = await c.req.text();
  id += 1;
  for (const stream of streams) void stream.writeSSE({ event: "msg", id: String(id), data });
  return c.body(null, 204);
});
app.post("/gc", (c) => {
  globalThis.gc?.();
  return c.body(null, 204);
});
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: PORT });
