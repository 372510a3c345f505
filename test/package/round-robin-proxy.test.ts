import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { type RoundRobinProxy, startRoundRobinProxy } from "../../scripts/round-robin-proxy.mjs";
import { openRaw } from "../support/raw-client.ts";

const HALF = 1024 * 1024;
let target: Server;
let proxy: RoundRobinProxy;

afterEach(async () => {
  await proxy.close();
  target.closeAllConnections();
  await new Promise((resolve) => target.close(resolve));
});

it("the load balancer keeps a connection whose request was answered before the body was complete", async () => {
  target = createServer((incoming, outgoing) => {
    // The service refuses a body that is too large in the same way, and discards the rest.
    outgoing.writeHead(incoming.method === "POST" ? 413 : 200, { "Content-Length": "0" }).end();
    incoming.resume();
  });
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const { port } = target.address() as AddressInfo;
  proxy = await startRoundRobinProxy([`http://127.0.0.1:${port}`]);
  const client = await openRaw(proxy.url, {
    method: "POST",
    headers: { "Content-Length": String(2 * HALF) },
  });
  client.socket.write("x".repeat(HALF));
  await client.waitFor(/^HTTP\/1\.1 413 /, "the refusal");
  client.socket.write("x".repeat(HALF));
  client.socket.write("GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await client.waitFor(/HTTP\/1\.1 200 /, "the response to the next request");
  expect(client.isClosed()).toBe(false);
  client.socket.destroy();
});
