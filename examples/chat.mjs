// A chat with rooms. A page shows the last 20 messages of its room first, and how many clients are in the room.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createServer } from "pocketwire";
import { nodeRuntime, openDataLog } from "pocketwire/node";

// DATA=./chat-data keeps the messages over restarts. Without it they are in memory.
const { DATA } = process.env;

const realtime = createServer({
  log: DATA ? await openDataLog(DATA) : undefined,
  runtime: nodeRuntime,
  hooks: {
    // The hook runs before the client's subscriptions are set, so the count waits a moment.
    onConnect: ({ subscriptions }) => void setTimeout(() => countIn(subscriptions), 10),
    onDisconnect: () => countIn([...present.keys()]),
  },
});

/** The number of clients in each room, as last published. */
const present = new Map();
let isStopping = false;

async function countIn(rooms) {
  const { topics } = await realtime.registry.topics({ limit: 1000 });
  const counts = new Map(topics.map(({ topic, subscriptions }) => [topic, subscriptions]));
  for (const room of rooms.map((key) => key.split("?")[0])) {
    const count = counts.get(room) ?? 0;
    if (!room.startsWith("room/") || present.get(room) === count) continue;
    if (count === 0) present.delete(room);
    else present.set(room, count);
    // While the service stops, all clients leave, and nothing more can be published.
    if (!isStopping) await realtime.publish({ topic: `present/${room}`, data: count });
  }
}

const app = new Hono();
app.get("/", (c) => c.html(PAGE));
app.post("/rooms/:room", async (c) => {
  const { who, text } = await c.req.json();
  if (typeof who !== "string" || typeof text !== "string" || text.length > 1000) {
    return c.json(
      { message: "Send `who` and `text`, with at most 1,000 characters of text." },
      400,
    );
  }
  const [{ id }] = await realtime.publish({
    topic: `room/${c.req.param("room")}`,
    data: { who, text },
  });
  return c.json({ id });
});
app.route("/", realtime.app);

const PAGE = `<!doctype html><meta charset="utf-8"><title>Chat</title>
<h1>Room <span id="room"></span>, <span id="present">0</span> present</h1>
<ol id="said"></ol>
<form><label>You <input name="who" value="anna"></label> <label>Text <input name="text" required></label> <button>Say</button></form>
<script type="module">
const room = location.hash.slice(1) || "lobby";
document.querySelector("#room").textContent = room;
const topic = "room/" + room + "?options=" + encodeURIComponent('{"last":20}');
const query = new URLSearchParams([["topic", topic], ["topic", "present/room/" + room]]);
const stream = new EventSource("/api/realtime?" + query);
stream.addEventListener(topic, ({ data }) => {
  const { who, text } = JSON.parse(data);
  const item = document.createElement("li");
  item.textContent = who + ": " + text;
  document.querySelector("#said").append(item);
});
stream.addEventListener("present/room/" + room, ({ data }) => { document.querySelector("#present").textContent = data; });
document.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
  fetch("/rooms/" + room, { method: "POST", body });
  event.target.text.value = "";
});
</script>`;

const port = Number(process.env.PORT ?? 3000);
const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port }, () =>
  console.log(`http://127.0.0.1:${port}`),
);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    isStopping = true;
    setTimeout(() => process.exit(1), 10_000).unref();
    await realtime.close();
    server.close();
  });
}
