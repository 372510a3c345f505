import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { afterAll, beforeAll } from "vitest";
import { nodeRuntime } from "../../../src/node.ts";
import { middlewareSuite } from "../../suites/middleware.ts";
import { mountBehindAll } from "../../support/mounted.ts";

let server: Server;
let url = "";
beforeAll(async () => {
  server = createServer(getRequestListener(mountBehindAll({ runtime: nodeRuntime }).fetch));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

middlewareSuite("Node", (path, init) => fetch(url + path, init));
