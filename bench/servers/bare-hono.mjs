// Hono on @hono/node-server without Pocketwire. It parses the body of a publish, and answers with an id, as Pocketwire does.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { PORT } from "./settings.mjs";

const app = new Hono();
app.post("/api/realtime/messages", async (c) => {
  const { topic } = await c.req.json();
  return c.json({ id: `the-id-of-a-message-${topic}` });
});
app.post("/gc", (c) => {
  globalThis.gc?.();
  return c.body(null, 204);
});
serve({ fetch: app.fetch, port: PORT, hostname: "127.0.0.1" });
