// A live dashboard of a SQLite table. Triggers write each change of the table to a second table, and the feed publishes
// the changes from there. Each change has its own message id, so a restarted feed does not deliver a change twice.
import { Database } from "bun:sqlite";
import { Hono } from "hono";
import { createServer } from "pocketwire";
import { bunRuntime } from "pocketwire/bun";

const db = new Database(process.env.DATABASE ?? ":memory:");
db.run("PRAGMA journal_mode = WAL");
db.run(
  "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL, cents INTEGER NOT NULL)",
);
db.run(
  "CREATE TABLE IF NOT EXISTS changes (n INTEGER PRIMARY KEY AUTOINCREMENT, action TEXT, record TEXT)",
);
for (const [action, event, row] of [
  ["create", "INSERT", "NEW"],
  ["update", "UPDATE", "NEW"],
  ["delete", "DELETE", "OLD"],
]) {
  db.run(`CREATE TRIGGER IF NOT EXISTS note_${action} AFTER ${event} ON orders BEGIN
    INSERT INTO changes (action, record) VALUES ('${action}',
      json_object('id', CAST(${row}.id AS TEXT), 'item', ${row}.item, 'cents', ${row}.cents)); END`);
}

const realtime = createServer({ runtime: bunRuntime });
const due = db.query("SELECT n, action, record FROM changes ORDER BY n LIMIT 100");
const done = db.query("DELETE FROM changes WHERE n <= ?");

async function feed() {
  const changes = due.all() as {
    n: number;
    action: "create" | "update" | "delete";
    record: string;
  }[];
  const last = changes.at(-1);
  if (last !== undefined) {
    const events = changes.map(({ n, action, record }) => ({
      id: `orders-${n}`,
      collection: "orders",
      action,
      record: JSON.parse(record),
    }));
    await realtime.publish(...events);
    // Only now: `publish` resolves once the log has the events, and a failure must keep the changes.
    done.run(last.n);
  }
  setTimeout(feed, 100);
}
void feed();

const app = new Hono();
app.get("/", (c) => c.html(PAGE));
app.get("/orders", (c) => c.json(db.query("SELECT * FROM orders").all()));
app.post("/orders", async (c) => {
  const { item, cents } = await c.req.json();
  db.query("INSERT INTO orders (item, cents) VALUES (?, ?)").run(String(item), Number(cents));
  return c.body(null, 204);
});
app.route("/", realtime.app);

const PAGE = `<!doctype html><meta charset="utf-8"><title>Orders</title>
<h1><span id="count">0</span> orders, <span id="sum">0.00</span></h1><ol id="orders"></ol>
<script type="module">
const orders = new Map();
const show = () => {
  document.querySelector("#count").textContent = orders.size;
  document.querySelector("#sum").textContent = ([...orders.values()].reduce((sum, { cents }) => sum + cents, 0) / 100).toFixed(2);
  document.querySelector("#orders").replaceChildren(...[...orders.values()].map(({ item }) => Object.assign(document.createElement("li"), { textContent: item })));
};
// Open the stream before reading the table. A change in between then arrives twice, which does no harm; the other way
// round, it would be lost.
const stream = new EventSource("/api/realtime?topic=orders/*");
stream.addEventListener("PB_CONNECT", async () => {
  for (const order of await (await fetch("/orders")).json()) orders.set(String(order.id), order);
  show();
});
stream.addEventListener("orders/*", ({ data }) => {
  const { action, record } = JSON.parse(data);
  if (action === "delete") orders.delete(record.id);
  else orders.set(record.id, record);
  show();
});
</script>`;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env.PORT ?? 3000),
  idleTimeout: 30,
  fetch: app.fetch,
});
console.log(`http://127.0.0.1:${server.port}`);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    setTimeout(() => process.exit(1), 10_000).unref();
    await realtime.close();
    await server.stop();
    process.exit(0);
  });
}
