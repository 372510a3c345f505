import { createServer as createPlain, type RequestListener, type Server } from "node:http";
import { connect as connectHTTP2, createServer as createHTTP2 } from "node:http2";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { createServer } from "../../../src/api/server.ts";
import { nodeRuntime } from "../../../src/node.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually, within } from "../../support/deadline.ts";
import { openRaw } from "../../support/raw-client.ts";

const stops: (() => void)[] = [];

afterEach(() => {
  closeClients();
  for (const stop of stops.splice(0)) stop();
});

async function serve(
  app: Hono,
  make: (listener: RequestListener) => Server = (listener) => createPlain(listener),
): Promise<string> {
  const server = make(getRequestListener(app.fetch) as RequestListener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const quiet = () => {};

/** A service behind middleware that reads the service's response and sends nothing. */
function createHeldBack() {
  const warned: unknown[] = [];
  const held = createServer({
    ...{ runtime: nodeRuntime, handshakeTimeout: 200, maxBufferedBytes: 5000 },
    logger: { debug: quiet, info: quiet, warn: (_, fields) => warned.push(fields), error: quiet },
  });
  const app = new Hono();
  app.use("*", async (c, next) => {
    await next();
    const reader = c.res.body?.getReader();
    while ((await reader?.read())?.done === false);
    await new Promise(() => {});
  });
  app.route("/", held.app);
  const count = () => held.realtimeManager?.getAllClientIds().length;
  return { ...{ app, held, warned, count }, realtimeManager: held.realtimeManager };
}

describe("a stream on Node with a response that middleware never sends", () => {
  it.each(["1.0", "1.1", "2"] as const)("is aborted over HTTP/%s, and logged", async (version) => {
    const { app, warned, count } = createHeldBack();
    if (version === "2") {
      const url = await serve(app, (listener) => {
        return createHTTP2({}, listener as never) as unknown as Server;
      });
      const session = connectHTTP2(url);
      session.on("error", quiet);
      session.request({ ":path": "/api/realtime" }).on("error", quiet);
      await eventually(() => warned.length > 0, "the stream is aborted");
      session.destroy();
    } else {
      const raw = await openRaw(await serve(app), { httpVersion: version });
      await eventually(raw.isClosed, "its connection is closed");
      expect(raw.text()).toBe("");
    }
    const reason = expect.stringMatching(/head did not leave within 0.2 s; middleware may hold/);
    expect(warned).toContainEqual({ clientId: expect.any(String), reason });
    await eventually(() => count() === 0, "all clients are removed");
  });

  it("is aborted when the server closes", async () => {
    const { app, held, count } = createHeldBack();
    const raw = await openRaw(await serve(app));
    await eventually(() => count() === 1, "the client is connected");
    await within(held.close(), 5000, "the server is closed");
    await eventually(raw.isClosed, "its connection is closed");
  });

  it("buffers no more than its limit although middleware reads it", async () => {
    const { app, held, realtimeManager, count } = createHeldBack();
    const raw = await openRaw(await serve(app), { query: "?topic=n" });
    await eventually(() => count() === 1, "the client is connected");
    const before = realtimeManager?.stats().delivered ?? 0;
    let published = 0;
    while (count() === 1 && published < 1000) {
      await held.publish({ topic: "n", data: "x".repeat(1000) });
      published += 1;
    }
    await eventually(raw.isClosed, "its connection is closed");
    const accepted = ((realtimeManager?.stats().delivered ?? 0) - before) * 1000;
    expect(accepted).toBeLessThanOrEqual(4 * 5000);
  });
});
