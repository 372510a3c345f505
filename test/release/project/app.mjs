// Mounts the service in a Hono app on this runtime, and receives messages with `pocketwire/client` and with ResumingEventSource while
// all connections are cut. Prints what each received as one line of JSON.
import { once } from "node:events";
import { connect as connectTCP, createServer as createTCPServer } from "node:net";
import { serve } from "@hono/node-server";
import { EventSource } from "eventsource";
import { Hono } from "hono";
import { createServer } from "pocketwire";
import { connect } from "pocketwire/client";
import { createResumingEventSource } from "pocketwire/client/event-source";

const MESSAGES = 6;
const ADMIN_KEY = "the-key-of-this-app";
const isBun = process.versions.bun !== undefined;

const runtime = isBun
  ? (await import("pocketwire/bun")).bunRuntime
  : (await import("pocketwire/node")).nodeRuntime;
const realtime = createServer({ runtime, adminKey: ADMIN_KEY });
const app = new Hono().get("/", (c) => c.text("mine"));
app.route("/live", realtime.app);
const port = isBun ? await listenOnBun() : await listenOnNode();

const sockets = new Set();
const proxy = createTCPServer((client) => {
  const server = connectTCP(port, "127.0.0.1");
  for (const socket of [client, server]) {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  }
  client.pipe(server).pipe(client);
});
await once(proxy.listen(0, "127.0.0.1"), "listening");
const url = `http://127.0.0.1:${proxy.address().port}/live`;

const client = collect();
const page = connect(url, { EventSource });
page.subscribe("chat", ({ data }) => client.add(data));
const resuming = collect();
const Resuming = createResumingEventSource(EventSource);
const source = new Resuming(`${url}/api/realtime?topic=chat`);
source.addEventListener("chat", ({ data }) => resuming.add(JSON.parse(data)));
await Promise.all([
  new Promise((resolve) => source.addEventListener("PB_CONNECT", resolve)),
  new Promise((resolve) => page.on("status", (status) => status === "connected" && resolve())),
]);

for (let n = 1; n <= MESSAGES / 2; n++) await publish(n);
await Promise.all([client.has(MESSAGES / 2), resuming.has(MESSAGES / 2)]);
for (const socket of sockets) socket.destroy();
for (let n = MESSAGES / 2 + 1; n <= MESSAGES; n++) await publish(n);
await Promise.all([client.has(MESSAGES), resuming.has(MESSAGES)]);
const mine = await (await fetch(`http://127.0.0.1:${port}/`)).text();
console.log(JSON.stringify({ mine, client: client.data, resuming: resuming.data }));
process.exit(0);

function collect() {
  const data = [];
  let check = () => {};
  return {
    data,
    add: (one) => {
      data.push(one);
      check();
    },
    /** Resolves once there are this many messages. The test ends a program that waits for too long. */
    has: (count) =>
      new Promise((resolve) => {
        check = () => data.length >= count && resolve();
        check();
      }),
  };
}

async function publish(n) {
  const response = await fetch(`http://127.0.0.1:${port}/live/api/realtime/messages`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${ADMIN_KEY}` },
    body: JSON.stringify({ topic: "chat", data: n }),
  });
  if (!response.ok) throw new Error(`POST got ${response.status}: ${await response.text()}`);
}

function listenOnBun() {
  const { port } = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch });
  return port;
}

function listenOnNode() {
  const settings = { port: 0, hostname: "127.0.0.1", fetch: app.fetch };
  return new Promise((resolve) => serve(settings, (address) => resolve(address.port)));
}
