// The chat on Node: `node examples/ai-chat/server.mjs`. The chats are in memory.
import { readFile } from "node:fs/promises";
import { serve } from "@hono/node-server";
import { createServer } from "pocketwire";
import { nodeRuntime } from "pocketwire/node";
import { createApp } from "./app.mjs";
import { bundlePage, INDEX } from "./build-page.mjs";

const MAX_CHATS = 1000;

// The rule keeps the messages of each chat, even if other topics are busy, so a page that joins late gets the whole answer. The
// messages are removed after an hour, because the app has stored the answer by then.
const topics = [{ match: "chats/*", keep: 10_000, ttl: 3600 }];
const realtime = createServer({ runtime: nodeRuntime, topics });

const stored = new Map();
const chats = {
  load: (id) => stored.get(id) ?? [],
  append: (id, message) => {
    const messages = [...chats.load(id), message].slice(-200);
    // A Map keeps the order of insertion, so the chat that was silent for the longest time comes first.
    stored.delete(id);
    stored.set(id, messages);
    if (stored.size > MAX_CHATS) stored.delete(stored.keys().next().value);
    return messages;
  },
};

const [html, script] = await Promise.all([readFile(INDEX, "utf8"), bundlePage()]);
const tokenDelay = Number(process.env.TOKEN_DELAY ?? 80);
const app = createApp(() => ({ realtime, chats, tokenDelay, waitUntil: () => {} }));
app.get("/", (c) => c.html(html));
app.get("/main.js", (c) => c.body(script, 200, { "Content-Type": "text/javascript" }));
app.route("/", realtime.app);

const settings = {
  fetch: app.fetch,
  hostname: "127.0.0.1",
  port: Number(process.env.PORT ?? 3000),
};
const server = serve(settings, ({ port }) => console.log(`http://127.0.0.1:${port}`));
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    setTimeout(() => process.exit(1), 10_000).unref();
    await realtime.close();
    server.close();
  });
}
