// better-sse on Hono. One channel broadcasts to all clients.
import { serve } from "@hono/node-server";
import { createChannel, createResponse } from "better-sse";
import { Hono } from "hono";
import { PORT } from "./settings.mjs";

const app = new Hono();
const channel = createChannel();
let id = 0;
app.get("/events", (c) =>
  createResponse(c.req.raw, { keepAlive: null }, (session) => channel.register(session)),
);
app.post("/publish", async (c) => {
  const data = await c.req.json();
  id += 1;
  channel.broadcast(data, "msg", { eventId: String(id) });
  return c.body(null, 204);
});
app.post("/gc", (c) => {
  globalThis.gc?.();
  return c.body(null, 204);
});
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: PORT });
