// node:http without a library: the frame is encoded once, and response.write sends it to each client.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { PORT } from "./settings.mjs";

const responses = new Set();
let id = 0;
createServer(async (request, response) => {
  if (request.method === "GET") {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
    response.write(": hello\n\n");
    responses.add(response);
    response.once("close", () => responses.delete(response));
    return;
  }
  if (request.url === "/publish") {
    const data = await text(request);
    id += 1;
    const frame = Buffer.from(`event: msg\nid: ${id}\ndata: ${data}\n\n`);
    for (const client of responses) client.write(frame);
  } else globalThis.gc?.();
  response.writeHead(204).end();
}).listen(PORT, "127.0.0.1");
