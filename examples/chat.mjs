// A chat with rooms. A page shows the last 20 messages of its room first, and how many clients are in the room.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createServer } from "pocketwire";
import { nodeRuntime, openDataLog } from "pocketwire/node";

// A service without an app reads the same variables. By default each room keeps its newest 100 messages.
const { REALTIME_TOPICS = '[{"match":"chat/*","keep":100}]', REALTIME_DATA } = process.env;
const topics = JSON.parse(REALTIME_TOPICS);

const realtime = createServer({
  runtime: nodeRuntime,
  topics,
  // A log on disk survives a restart. Without one, the log is in memory.
  log: REALTIME_DATA ? await openDataLog(REALTIME_DATA, { topics }) : undefined,
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
    if (!room.startsWith("chat/") || present.get(room) === count) continue;
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
    topic: `chat/${c.req.param("room")}`,
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
const room = decodeURIComponent(location.hash.slice(1)) || "lobby";
document.querySelector("#room").textContent = room;
const chat = "chat/" + room;
const query = new URLSearchParams([["topic", chat], ["topic", "present/" + chat], ["last", "20"], ["envelope", "true"]]);
const stream = new EventSource("/api/realtime?" + query);
const shown = new Set();
stream.addEventListener(chat, (event) => {
  const { id, data } = JSON.parse(event.data);
  // A page that was away for longer than the history receives the last 20 messages again.
  if (shown.has(id)) return;
  shown.add(id);
  const item = document.createElement("li");
  item.textContent = data.who + ": " + data.text;
  document.querySelector("#said").append(item);
});
stream.addEventListener("present/" + chat, (event) => { document.querySelector("#present").textContent = JSON.parse(event.data).data; });
document.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
  fetch("/rooms/" + encodeURIComponent(room), { method: "POST", body });
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
