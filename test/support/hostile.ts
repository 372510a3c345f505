/**
 * A program that acts as one hostile guest address. It runs one kind of attack, prints `{"ready":true}` once its streams are open
 * and subscribed, and continues until it is killed or its standard input ends. Then it prints the statuses of its responses.
 *
 * Arguments: the service's URL, the address to come from, the kind of attack.
 */
import { Agent, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";

interface Attack {
  readonly streams: number;
  /** Different keys for each stream. */
  readonly keys: number;
  /** Whether the attack reads the history in a loop. */
  readonly readsHistory?: boolean;
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  keys: { streams: 1000, keys: 1000 },
  unread: { streams: 300, keys: 4 },
  history: { streams: 0, keys: 0, readsHistory: true },
};
const AT_ONCE = 16;

const [url = "", localAddress = "", kind = ""] = process.argv.slice(2);
const attack = ATTACKS[kind];
if (attack === undefined) throw new Error(`There is no attack "${kind}".`);

const { hostname, port, host } = new URL(url);
const agent = new Agent({ keepAlive: true, localAddress, maxSockets: AT_ONCE });
const statuses: Record<string, number> = {};
let isOver = false;

/** Opens a stream and reads only the handshake. Resolves with the client id, or undefined when the stream was refused. */
function openUnread(): Promise<string | undefined> {
  const socket: Socket = connect({ host: hostname, port: Number(port), localAddress });
  socket.write(`GET /api/realtime HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  return new Promise((resolve) => {
    let head = "";
    socket.on("error", () => resolve(undefined));
    socket.on("close", () => resolve(undefined));
    socket.on("data", (bytes) => {
      head += bytes.toString("latin1");
      const [, id] = /"clientId":"([^"]+)"/.exec(head) ?? [];
      if (id === undefined) return;
      socket.pause();
      resolve(id);
    });
  });
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

async function openStreams(count: number, keys: number): Promise<void> {
  const ids = await Promise.all(Array.from({ length: count }, openUnread));
  const known = ids.filter((id) => id !== undefined);
  const setKeys = async () => {
    for (let clientId = known.pop(); clientId !== undefined; clientId = known.pop()) {
      const own = Array.from(
        { length: keys },
        (_, key) => `flood?options={"own":"${clientId}-${key}"}`,
      );
      await ask("POST", "/api/realtime", { clientId, subscriptions: own });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, setKeys));
}

/** Each of these topics has 100 levels, as have the topics of the published messages. */
const DEEP = Array.from({ length: 10 }, (_, n) => `${"l/".repeat(99)}${n}`);
const QUERY = DEEP.map((topic) => `topic=${encodeURIComponent(topic)}`).join("&");

async function readHistories(): Promise<void> {
  while (!isOver) await ask("GET", `/api/realtime/messages?${QUERY}&limit=1000`);
}

await openStreams(attack.streams, attack.keys);
console.log(JSON.stringify({ ready: true }));
const readers = attack.readsHistory === true ? AT_ONCE : 0;
const reading = Promise.all(Array.from({ length: readers }, readHistories));
await text(process.stdin);
isOver = true;
await reading;
console.log(JSON.stringify({ statuses }));
process.exit(0);
