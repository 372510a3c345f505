import { createServer as createHTTPServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createServer } from "../../../src/api/server.ts";
import { nodeRuntime } from "../../../src/node.ts";
import type { LogFields } from "../../../src/realtime/types.ts";

const KEY = "a-key-for-bodies";
const headers = { "Content-Type": "application/json", Authorization: `Bearer ${KEY}` };
const message = JSON.stringify({ topic: "a", data: "x".repeat(500) });

const logged: [string, LogFields | undefined][] = [];
const log = (text: string, fields?: LogFields) => void logged.push([text, fields]);
const realtime = createServer({
  runtime: nodeRuntime,
  adminKey: KEY,
  maxBodyBytes: 1000,
  logger: { debug: log, info: log, warn: log, error: log },
});
const servers: Server[] = [];

beforeEach(() => void logged.splice(0));
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** node-server as in an app that keeps the global `Request`. */
async function serve(
  app: Hono,
  before: (incoming: IncomingMessage) => Promise<unknown> = async () => {},
): Promise<string> {
  const handle = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createHTTPServer(async (incoming, outgoing) => {
    await before(incoming);
    await handle(incoming, outgoing);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/realtime/messages`;
}

/** Sends a body in chunks, without its length. */
function postChunks(url: string, ...chunks: string[]): Promise<Response> {
  const body = new Blob(chunks).stream();
  return fetch(url, { method: "POST", headers, body, duplex: "half" } as RequestInit);
}

/** Reads the body as `express.json()` does before it passes the request on. */
async function readWhole(incoming: IncomingMessage): Promise<void> {
  for await (const _ of incoming);
}

describe("a chunked body where node-server keeps the global classes", () => {
  it("is read", async () => {
    const url = await serve(realtime.app);
    expect((await postChunks(url, message.slice(0, 20), message.slice(20))).status).toBe(200);
    expect((await postChunks(url, "{")).status).toBe(400);
  });

  it("is refused when it is too large", async () => {
    const url = await serve(realtime.app);
    expect((await postChunks(url, message, " ".repeat(600))).status).toBe(413);
  });
});

describe("a body that was read before the request reached Pocketwire", () => {
  const expectHint = async (answer: Response) => {
    expect(answer.status).toBe(500);
    const body = (await answer.json()) as { message: string };
    expect(body.message).toMatch(/body was read before .* Mount Pocketwire before .*express\.json/);
    expect(logged).toEqual([["request body already read", expect.anything()]]);
  };
  const post = (url: string) => fetch(url, { method: "POST", headers, body: message });

  it("by the host from Node's request gets an error that says how to fix the host", async () => {
    await expectHint(await post(await serve(realtime.app, readWhole)));
  });

  it("in chunks by the host gets the same error", async () => {
    await expectHint(await postChunks(await serve(realtime.app, readWhole), message));
  });

  it.each(["used", "locked"])(
    "by middleware that left the raw request %s gets the same error",
    async (how) => {
      const app = new Hono();
      app.use("*", async (c, next) => {
        if (how === "used") await c.req.raw.text();
        else c.req.raw.body?.getReader();
        await next();
      });
      app.route("/", realtime.app);
      await expectHint(await post(await serve(app)));
    },
  );

  it("by middleware through Hono's request is read from Hono's cache", async () => {
    const app = new Hono();
    app.use("*", async (c, next) => {
      await c.req.json();
      await next();
    });
    app.route("/", realtime.app);
    const url = await serve(app);
    expect((await post(url)).status).toBe(200);
    expect((await postChunks(url, message)).status).toBe(200);
  });
});
