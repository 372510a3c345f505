/** The list of recent callbacks, over a service in this process and a real HTTP backend. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CallbackOptions } from "../../../../src/api/callbacks/options.ts";
import type { RecentCallback } from "../../../../src/api/callbacks/recent.ts";
import { createServer, type RealtimeServer } from "../../../../src/api/server.ts";
import {
  CALLBACK_SECRET,
  type CallbackBackend,
  startBackend,
} from "../../../support/callback-backend.ts";
import { eventually } from "../../../support/deadline.ts";
import { differencesFrom } from "../../../support/response-schema.ts";

const ADMIN_KEY = "the-key-of-this-test";
const admin = { Authorization: `Bearer ${ADMIN_KEY}`, "Content-Type": "application/json" };

let backend: CallbackBackend;
beforeEach(async () => {
  backend = await startBackend();
});
afterEach(async () => {
  expect(backend.faults).toEqual([]);
  await backend.close();
});

function serve(callbacks: Partial<CallbackOptions>): RealtimeServer {
  const { url } = backend;
  return createServer({
    adminKey: ADMIN_KEY,
    openapi: true,
    callbacks: { url, secret: CALLBACK_SECRET, ...callbacks },
  });
}

const PATH = "/api/realtime/callbacks";

async function read({ app }: RealtimeServer): Promise<readonly RecentCallback[]> {
  const response = await app.request(PATH, { headers: admin });
  expect(response.status).toBe(200);
  return (await response.json()).callbacks;
}

/** The differences between the list and its description in the OpenAPI document. */
async function differences({ app }: RealtimeServer): Promise<string[]> {
  const document = await (await app.request("/api/openapi.json")).json();
  return differencesFrom(document, PATH, "get", await app.request(PATH, { headers: admin }));
}

/** Each callback without its times. */
async function outcomes(server: RealtimeServer): Promise<object[]> {
  return (await read(server)).map(({ at: _, milliseconds: __, ...rest }) => rest);
}

const history = ({ app }: RealtimeServer, ...topics: string[]) =>
  app.request(`/api/realtime/messages?${new URLSearchParams(topics.map((one) => ["topic", one]))}`);

function publish({ app }: RealtimeServer, ...topics: string[]) {
  const body = JSON.stringify(topics.map((topic) => ({ topic, data: "secret-data" })));
  return app.request("/api/realtime/messages", { method: "POST", headers: admin, body });
}

describe("GET /api/realtime/callbacks", () => {
  it("lists questions with their outcome, newest first, and no text of them", async () => {
    const server = serve({ ask: ["subscribe", "publish"] });
    backend.answer = () => ({ allow: true, cacheSeconds: 60 });
    await history(server, "secret-a", "secret-b");
    await history(server, "secret-a", "secret-b");
    backend.answer = () => ({ allow: false, reason: "secret-reason" });
    await publish(server, "secret-c");
    backend.answer = (_body, response) => void response.writeHead(500).end("secret-body");
    await history(server, "secret-d");
    expect(await outcomes(server)).toEqual([
      { type: "subscribe", count: 1, outcome: "failed", cached: false },
      { type: "publish", count: 1, outcome: "refused", cached: false },
      { type: "subscribe", count: 2, outcome: "allowed", cached: true },
      { type: "subscribe", count: 2, outcome: "allowed", cached: false },
    ]);
    expect(await differences(server)).toEqual([]);
    const text = JSON.stringify(await read(server));
    for (const secret of ["secret", "hidden", ADMIN_KEY, backend.url, CALLBACK_SECRET]) {
      expect(text).not.toContain(secret);
    }
    for (const { at, milliseconds } of await read(server)) {
      expect(new Date(at).toISOString()).toBe(at);
      expect(Number.isInteger(milliseconds)).toBe(true);
    }
    await server.close();
  });

  it("lists each attempt to deliver events", async () => {
    const server = serve({ tell: ["connected"] });
    backend.answer = (_body, response) =>
      void response.writeHead(backend.bodies.length === 1 ? 500 : 204).end();
    const stream = await server.app.request("/api/realtime");
    await stream.body?.cancel();
    await eventually(async () => (await read(server)).length === 2, "the event is delivered");
    expect(await outcomes(server)).toEqual([
      { type: "tell", count: 1, outcome: "delivered", attempt: 2 },
      { type: "tell", count: 1, outcome: "failed", attempt: 1 },
    ]);
    expect(await differences(server)).toEqual([]);
    await server.close();
  });

  it("lists the last 50 of questions and events together", async () => {
    const server = serve({ ask: ["publish"], tell: ["connected"] });
    await publish(server, ...Array.from({ length: 40 }, () => "t"));
    const stream = await server.app.request("/api/realtime");
    await stream.body?.cancel();
    const types = async () => (await read(server)).map(({ type }) => type);
    await eventually(async () => (await types()).includes("tell"), "the event is delivered");
    expect(await types()).toHaveLength(41);
    await publish(server, ...Array.from({ length: 20 }, () => "t"));
    expect(await types()).toHaveLength(50);
    expect((await types()).indexOf("tell")).toBe(20);
    await publish(server, ...Array.from({ length: 60 }, () => "t"));
    expect(await types()).toEqual(Array.from({ length: 50 }, () => "publish"));
    await server.close();
  });

  it("needs the admin key, and is empty without a backend", async () => {
    const server = createServer({ adminKey: ADMIN_KEY });
    expect((await server.app.request(PATH)).status).toBe(401);
    expect(await read(server)).toEqual([]);
    await server.close();
  });
});
