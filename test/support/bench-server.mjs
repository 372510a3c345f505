// A server for the tests of the benchmark, with the behaviour that its argument names: "good", "hangs", "crashes", "drops" or
// "refuses". It listens on BENCH_PORT.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

const behaviour = process.argv[2];
const streams = [];
createServer(async (request, response) => {
  if (behaviour === "hangs") return;
  if (request.method === "GET") {
    response.writeHead(200, { "Content-Type": "text/event-stream" }).write(": hello\n\n");
    streams.push(response);
    return;
  }
  if (behaviour === "crashes") process.exit(7);
  const message = await text(request);
  const receivers = behaviour === "drops" ? streams.slice(1) : streams;
  for (const stream of receivers) stream.write(`data: ${message}\n\n`);
  response.writeHead(behaviour === "refuses" ? 403 : 204).end();
}).listen(Number(process.env.BENCH_PORT), "127.0.0.1");
