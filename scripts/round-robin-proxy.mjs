/**
 * A small load balancer for the demo and the tests: each request goes to the next process, without sticky sessions. A process that
 * refuses the connection is skipped. If a process ends before it has answered, the proxy repeats a GET request at the next process.
 * An EventSource gives up at status 502, so nginx and Caddy must be configured in the same way. Other requests are not repeated.
 */
import { Agent, createServer, request as sendRequest } from "node:http";

/**
 * Starts the proxy.
 *
 * @param {readonly string[]} targets URLs of the processes.
 * @param {number} [port] Default: a free port.
 */
export async function startRoundRobinProxy(targets, port = 0) {
  const agent = new Agent({ keepAlive: false });
  let list = [...targets];
  let next = 0;
  const server = createServer((incoming, outgoing) => {
    outgoing.on("error", () => {});
    forward(incoming, outgoing, next, list.length);
    next += 1;
  });
  /**
   * @param {number} index Index of the process.
   * @param {number} attempts Number of processes that may be tried, with this one.
   */
  function forward(incoming, outgoing, index, attempts) {
    const target = list[index % list.length];
    const { hostname, port } = new URL(target);
    const { method, url: path } = incoming;
    // A process that is asked to close the connection resets it when it answers before it has the whole body.
    const headers = { ...incoming.headers, connection: "keep-alive" };
    let isConnected = false;
    const upstream = sendRequest({ agent, hostname, port, method, path, headers }, (response) => {
      // These two headers are about the connection to the process.
      const { connection, "keep-alive": _, ...rest } = response.headers;
      outgoing.writeHead(response.statusCode ?? 502, rest);
      outgoing.flushHeaders();
      response.pipe(outgoing);
      response.on("error", () => outgoing.destroy());
      response.on("close", () => {
        if (!response.complete) outgoing.destroy();
      });
    });
    upstream.on("socket", (socket) => {
      socket.setNoDelay(true);
      socket.on("connect", () => {
        isConnected = true;
        incoming.pipe(upstream);
      });
    });
    upstream.on("error", () => {
      const isOver = outgoing.headersSent || outgoing.destroyed;
      if (!isOver && (!isConnected || method === "GET") && attempts > 1) {
        forward(incoming, outgoing, index + 1, attempts - 1);
        return;
      }
      if (!isOver) refuse(incoming, outgoing);
    });
    outgoing.on("close", () => {
      // The process may answer before it has the whole body. The rest is read and discarded: the server would close a connection with
      // an unread body, and a client that is still sending would lose the response.
      incoming.unpipe(upstream);
      incoming.resume();
      upstream.destroy();
    });
  }
  server.on("connection", (socket) => socket.setNoDelay(true));
  server.timeout = 0;
  // As long as the service's own connections.
  server.keepAliveTimeout = 75_000;
  await new Promise((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", () => resolve(undefined));
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : port}`,
    /** @param {readonly string[]} urls */
    retarget(urls) {
      list = [...urls];
    },
    close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      return closed;
    },
  };
}

/** Answers while no process answers. A stream is asked to reconnect, as in the configuration of nginx in docs/deploy.md. */
function refuse({ headers }, outgoing) {
  if (!headers.accept?.includes("text/event-stream")) {
    outgoing.writeHead(502, { "Content-Type": "text/plain" });
    outgoing.end("No process of the service can be reached.\n");
    return;
  }
  outgoing.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  outgoing.end("retry: 1000\n\n");
}
