// better-sse on node:http. One channel broadcasts to all clients.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { createChannel, createSession } from "better-sse";
import { PORT } from "./settings.mjs";

const channel = createChannel();
let id = 0;
createServer(async (request, response) => {
  if (request.method === "GET") {
    channel.register(await createSession(request, response, { keepAlive: null }));
    return;
  }
  if (request.url === "/publish") {
    const data = JSON.parse(await text(request));
    id += 1;
    channel.broadcast(data, "msg", { eventId: String(id) });
  } else globalThis.gc?.();
  response.writeHead(204).end();
}).listen(PORT, "127.0.0.1");
