// A chat with rooms. A page shows the last 20 messages of its room first, and the members of the room.
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { serve } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import { sign } from "hono/jwt";
import { createServer } from "pocketwire";
import { nodeRuntime, openDataLog, openRedis } from "pocketwire/node";

// A service without an app reads the same variables. By default each room keeps its newest 100 messages and has members, which
// everyone may see.
const {
  REALTIME_TOPICS = JSON.stringify([
    { match: "chat/*", keep: 100, presence: true },
    { match: "$presence/*", private: false },
  ]),
  REALTIME_DATA,
  REDIS_URL,
  CHAT_SECRET = randomUUID(),
} = process.env;
const topics = JSON.parse(REALTIME_TOPICS);

const realtime = createServer({
  runtime: nodeRuntime,
  topics,
  // A user that signs in gets a token, in a cookie.
  tokens: { secrets: [CHAT_SECRET] },
  cookie: "chat",
  origins: [],
  ...(await openLog()),
});

/** A log in Redis is shared by several processes, and a log on disk survives a restart. Without either, the log is in memory. */
async function openLog() {
  if (REDIS_URL) return openRedis({ url: REDIS_URL, topics });
  return { log: REALTIME_DATA ? await openDataLog(REALTIME_DATA, { topics }) : undefined };
}

const app = new Hono();
app.get("/", (c) => c.html(PAGE));
app.post("/sign-in", async (c) => {
  const { name } = await c.req.json();
  if (typeof name !== "string" || name.length === 0 || name.length > 40) {
    return c.json({ message: "Send a `name` of 1 to 40 characters." }, 400);
  }
  const exp = Math.floor(Date.now() / 1000) + 86_400;
  const token = await sign({ sub: randomUUID(), exp, realtime: { info: { name } } }, CHAT_SECRET);
  setCookie(c, "chat", token, { httpOnly: true, sameSite: "Strict", path: "/" });
  return c.body(null, 204);
});
app.post("/sign-out", (c) => {
  deleteCookie(c, "chat");
  return c.body(null, 204);
});
app.post("/rooms/:room", async (c) => {
  const { who, text } = await c.req.json();
  if (typeof who !== "string" || typeof text !== "string" || text.length > 1000) {
    return c.json(
      { message: "Send `who` and `text`, with at most 1,000 characters of text." },
      400,
    );
  }
  const [{ id }] = await realtime.publish({
    topic: `chat/${c.req.param("room")}`,
    data: { who, text },
  });
  return c.json({ id });
});
// The page imports the client from here.
app.get(
  "/pocketwire/*",
  serveStatic({
    root: fileURLToPath(new URL(".", import.meta.resolve("pocketwire/client"))),
    rewriteRequestPath: (path) => path.slice("/pocketwire".length),
  }),
);
app.route("/", realtime.app);

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Chat</title>
<h1>Room <span id="room"></span></h1>
<p><span id="present">0</span> present: <span id="members"></span> <span id="guests"></span></p>
<form id="sign-in"><label>Your name <input name="name" value="anna" maxlength="40" required></label> <button>Join</button></form>
<ol id="said"></ol>
<form id="say"><label>Text <input name="text" required></label> <button>Say</button></form>
<script type="module">
import { connect } from "/pocketwire/client.js";

const find = (selector) => document.querySelector(selector);
const room = decodeURIComponent(location.hash.slice(1)) || "lobby";
find("#room").textContent = room;
const shown = new Set();
const realtime = connect(location.origin);

function onMessage({ id, data }) {
  // A page that was away for longer than the history receives the last 20 messages again.
  if (shown.has(id)) return;
  shown.add(id);
  const item = document.createElement("li");
  item.textContent = data.who + ": " + data.text;
  find("#said").append(item);
}

function onPresence({ members, guests }) {
  find("#present").textContent = members.length + guests;
  find("#members").textContent = members.map(({ id, info }) => info.name ?? id).sort().join(", ");
  find("#guests").textContent = guests > 0 ? "and " + guests + (guests === 1 ? " guest" : " guests") : "";
}

realtime.subscribe("chat/" + room, onMessage, { last: 20, presence: onPresence });

const post = (path, fields) => fetch(path, { method: "POST", body: JSON.stringify(fields) });
find("#sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  await post("/sign-in", { name: event.target.elements.name.value });
  realtime.refreshToken(); // The stream goes on with the cookie.
});
find("#say").addEventListener("submit", (event) => {
  event.preventDefault();
  post("/rooms/" + encodeURIComponent(room), { who: find("#sign-in").elements.name.value, text: event.target.elements.text.value });
  event.target.elements.text.value = "";
});
</script>`;

const port = Number(process.env.PORT ?? 3000);
const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port }, () =>
  console.log(`http://127.0.0.1:${port}`),
);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    setTimeout(() => process.exit(1), 10_000).unref();
    await realtime.close();
    server.close();
  });
}
