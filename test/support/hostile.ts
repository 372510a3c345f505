/**
 * A program: one hostile address. It opens streams that it never reads, with keys of their own, and asks for subscriptions
 * and histories as fast as it is answered, until its time is over. Prints what it got as one line of JSON.
 *
 * Arguments: the service's URL, the address to come from, seconds.
 */
import { Agent, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";

const [url = "", localAddress = "", seconds = ""] = process.argv.slice(2);
const STREAMS = 1000;
const KEYS = 4;
const AT_ONCE = 16;

const { hostname, port, host } = new URL(url);
const agent = new Agent({ keepAlive: true, localAddress, maxSockets: AT_ONCE });
const end = performance.now() + Number(seconds) * 1000;
const statuses: Record<string, number> = {};
const ids: string[] = [];
const streams = new Set<Socket>();

/** One stream, of which nothing is read but the handshake. */
function openUnread(): void {
  const socket = connect({ host: hostname, port: Number(port), localAddress });
  streams.add(socket);
  socket.on("error", () => {});
  socket.on("close", () => streams.delete(socket));
  socket.once("data", (bytes) => {
    socket.pause();
    const [, id] = /"clientId":"([^"]+)"/.exec(bytes.toString("latin1")) ?? [];
    if (id === undefined) socket.destroy();
    else ids.push(id);
  });
  socket.write(`GET /api/realtime HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
}

function ask(method: string, path: string, body?: unknown): Promise<void> {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  return new Promise((resolve) => {
    const count = (status: number | string) => {
      statuses[status] = (statuses[status] ?? 0) + 1;
      resolve();
    };
    const answered = (answer: IncomingMessage) => {
      answer.resume().on("end", () => count(answer.statusCode ?? 0));
    };
    const asked = request(url + path, { agent, method, headers }, answered);
    asked.on("error", () => count("broken"));
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const ownKey = (name: string) =>
  `probe?options=${encodeURIComponent(JSON.stringify({ query: { name } }))}`;

async function work(): Promise<void> {
  for (let turn = 0; performance.now() < end; turn++) {
    const clientId = ids[turn % (ids.length || 1)];
    const subscriptions = Array.from({ length: KEYS }, (_, key) => ownKey(`${clientId}-${key}`));
    if (clientId !== undefined) {
      await ask("POST", "/api/realtime", { clientId, subscriptions });
    }
    await ask("GET", "/api/realtime/messages?topic=*&limit=1000");
    if (streams.size < STREAMS) openUnread();
  }
}

for (let count = 0; count < STREAMS; count++) openUnread();
await Promise.all(Array.from({ length: AT_ONCE }, work));
console.log(JSON.stringify({ streams: streams.size, statuses }));
process.exit(0);
