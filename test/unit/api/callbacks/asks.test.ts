/** The questions to a backend, over a service in this process and a real HTTP backend. */

import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CallbackOptions } from "../../../../src/api/callbacks/options.ts";
import { signCallback } from "../../../../src/api/callbacks/post.ts";
import type { ServerOptions } from "../../../../src/api/options.ts";
import { createServer, type RealtimeServer } from "../../../../src/api/server.ts";
import {
  CALLBACK_SECRET,
  type CallbackBackend,
  startBackend,
} from "../../../support/callback-backend.ts";
import { eventually } from "../../../support/deadline.ts";

const ADMIN_KEY = "the-key-of-this-test";
const EVERYTHING = ["connect", "subscribe", "publish"] as const;

let backend: CallbackBackend;
beforeEach(async () => {
  backend = await startBackend();
});
afterEach(async () => {
  expect(backend.faults).toEqual([]);
  await backend.close();
});

function serve(callbacks: Partial<CallbackOptions> = {}, options: ServerOptions = {}) {
  return createServer({
    adminKey: ADMIN_KEY,
    trustedProxyHeader: "X-Real-IP",
    callbacks: { url: backend.url, secret: CALLBACK_SECRET, ask: EVERYTHING, ...callbacks },
    ...options,
  });
}

const json = { "Content-Type": "application/json", "X-Real-IP": "192.0.2.1" };
const admin = { ...json, Authorization: `Bearer ${ADMIN_KEY}` };

/** Opens a stream and reads it. Returns the client id, or the text of a response that has ended. */
async function open({ app }: RealtimeServer, query = "", headers: Record<string, string> = json) {
  const response = await app.request(`/api/realtime${query}`, { headers });
  const decoder = new TextDecoder();
  let text = "";
  let hasEnded = false;
  const read = async () => {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk);
    hasEnded = true;
  };
  void read();
  const idIn = () => /^id: ?(\S+)/m.exec(text)?.[1];
  await eventually(() => hasEnded || idIn() !== undefined, "a stream or its end");
  return { status: response.status, text, clientId: idIn() };
}

async function subscribe(
  { app }: RealtimeServer,
  clientId: string | undefined,
  subscriptions: readonly string[],
  headers = json,
) {
  const body = JSON.stringify({ clientId, subscriptions });
  const response = await app.request("/api/realtime", { method: "POST", headers, body });
  return { status: response.status, text: await response.text() };
}

async function publish({ app }: RealtimeServer, messages: unknown) {
  const init = { method: "POST", headers: admin, body: JSON.stringify(messages) };
  const response = await app.request("/api/realtime/messages", init);
  return {
    status: response.status,
    retry: response.headers.get("Retry-After"),
    text: await response.text(),
  };
}

describe("a question", () => {
  it("is signed as in the example of Standard Webhooks", async () => {
    // https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/python/tests/test_webhooks.py
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const signed = await signCallback(
      secret,
      "msg_p5jXN8AQM9LWM0D4loKWxJek",
      1614265330,
      '{"test": 2432232314}',
    );
    expect(signed).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    const own = createHmac("sha256", Buffer.from(secret.slice(6), "base64"));
    own.update('msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}');
    expect(signed).toBe(`v1,${own.digest("base64")}`);
  });

  it("describes the caller and the request, which goes on when the backend allows it", async () => {
    const server = serve();
    const { clientId } = await open(server, "?topic=a");
    expect(await subscribe(server, clientId, ["b"])).toMatchObject({ status: 204 });
    const message = { topic: "b", data: 1 };
    expect(await publish(server, message)).toMatchObject({ status: 200 });
    const guest = { ip: "192.0.2.1", isAdmin: false };
    expect(backend.bodies).toEqual([
      { type: "connect", ...guest, subscriptions: ["a"] },
      { type: "subscribe", ...guest, subscriptions: ["a"] },
      { type: "subscribe", ...guest, clientId, subscriptions: ["b"] },
      { type: "publish", ...guest, isAdmin: true, message },
    ]);
    expect(new Set(backend.ids).size).toBe(4);
    await server.close();
  });

  it("contains the request headers that the options name, and no others", async () => {
    const server = serve({ headers: ["Cookie", "X-Missing"] });
    await open(server, "", { ...json, Cookie: "session=1", "X-Other": "no" });
    expect(backend.bodies[0]).toMatchObject({ headers: { cookie: "session=1" } });
    await server.close();
  });

  it("is asked about the history too", async () => {
    backend.answer = () => ({ allow: false });
    const server = serve({ ask: ["subscribe"] });
    const response = await server.app.request("/api/realtime/messages?topic=a", { headers: json });
    expect(response.status).toBe(403);
    await server.close();
  });

  it("is not asked about other requests", async () => {
    const server = serve({ ask: ["publish"] });
    const { clientId } = await open(server, "?topic=a");
    await subscribe(server, clientId, ["b"]);
    expect(backend.bodies).toEqual([]);
    await server.close();
  });

  it("comes after the hooks of the app", async () => {
    const hooks = {
      onSubscribe: () => ["of-the-hook"],
      onMessage: () => ({ topic: "of-the-hook", data: 1 }),
    };
    const server = serve({ ask: ["subscribe", "publish"] }, { hooks });
    await open(server, "?topic=a");
    await publish(server, { topic: "a", data: 0 });
    expect(backend.bodies).toMatchObject([
      { subscriptions: ["of-the-hook"] },
      { message: { topic: "of-the-hook" } },
    ]);
    await server.close();
  });
});

describe("an answer", () => {
  it("refuses with a status and a reason", async () => {
    backend.answer = () => ({ allow: false, reason: "Pay first.", status: 401 });
    const server = serve({ ask: ["subscribe"] });
    const { clientId } = await open(server);
    const refused = await subscribe(server, clientId, ["a"]);
    expect(refused.status).toBe(401);
    expect(refused.text).toContain("Pay first.");
    backend.answer = () => ({ allow: false });
    expect(await subscribe(server, clientId, ["a"])).toMatchObject({ status: 403 });
    await server.close();
  });

  it("with status 429 asks the client of a stream to reconnect", async () => {
    backend.answer = () => ({ allow: false, status: 429, reason: "Too many rooms." });
    const server = serve();
    const { status, text } = await open(server);
    expect(status).toBe(200);
    expect(text).toMatch(/^: Too many rooms\.\nretry: \d+\n\n$/);
    await server.close();
  });

  it("replaces subscriptions and messages", async () => {
    backend.answer = ({ type, message }) => {
      if (type === "publish")
        return { allow: true, message: { ...(message as object), data: "changed" } };
      return { allow: true, subscriptions: type === "connect" ? ["b"] : ["b", "c"] };
    };
    const server = serve();
    const { clientId = "" } = await open(server);
    await eventually(() => server.realtimeManager?.getClient(clientId), "the client is registered");
    expect((await server.registry.client(clientId))?.subscriptions).toEqual(["b", "c"]);
    await publish(server, [
      { topic: "b", data: 0 },
      { topic: "b", data: 1 },
    ]);
    const page = await server.registry.history({ topics: ["b"], limit: 10 });
    expect(page.messages.map(({ message }) => message.data)).toEqual(['"changed"', '"changed"']);
    await server.close();
  });

  it("of one message refuses the whole batch", async () => {
    backend.answer = ({ message }) => ({ allow: (message as { data: number }).data !== 17 });
    const server = serve({ ask: ["publish"] });
    const batch = Array.from({ length: 20 }, (_, data) => ({ topic: "a", data }));
    expect(await publish(server, batch)).toMatchObject({ status: 403 });
    expect((await server.registry.stats()).accepted).toBe(0);
    await server.close();
  });

  it("is used again for as long as it says, whatever the client id is", async () => {
    let now = 1000;
    backend.answer = () => ({ allow: false, cacheSeconds: 5 });
    const server = serve({ ask: ["subscribe"] }, { monotonicNow: () => now });
    const first = await open(server);
    const second = await open(server);
    await subscribe(server, first.clientId, ["a"]);
    expect(await subscribe(server, second.clientId, ["a"])).toMatchObject({ status: 403 });
    expect(backend.bodies).toHaveLength(1);
    await subscribe(server, first.clientId, ["b"]);
    expect(backend.bodies).toHaveLength(2);
    now += 5000;
    await subscribe(server, first.clientId, ["a"]);
    expect(backend.bodies).toHaveLength(3);
    await server.close();
  });
});

describe("an identity of the answer", () => {
  const anna = { allow: true, identity: "anna", rights: ["private/*"] };
  beforeEach(() => {
    backend.answer = ({ type }) => (type === "connect" ? anna : { allow: true });
  });

  it("belongs to the stream: a later request without a credential keeps it", async () => {
    const server = serve();
    const { clientId = "" } = await open(server);
    expect(await subscribe(server, clientId, ["private/1"])).toMatchObject({ status: 204 });
    expect(backend.bodies[1]).toMatchObject({ type: "subscribe", identity: "anna" });
    const client = await server.registry.client(clientId);
    expect(client).toMatchObject({ identity: "anna", rights: ["private/*"] });
    await server.close();
  });

  it("is refused for a request with the credential of another identity", async () => {
    const server = serve();
    const { clientId = "" } = await open(server);
    expect(await subscribe(server, clientId, ["a"], admin)).toMatchObject({ status: 403 });
    expect((await server.registry.client(clientId))?.subscriptions).toEqual([]);
    await server.close();
  });

  it("is needed for rights and info", async () => {
    for (const extra of [{ rights: ["a"] }, { info: { name: "Anna" } }]) {
      backend.answer = () => ({ allow: true, ...extra });
      const server = serve();
      expect((await open(server)).text).toMatch(/^: .*no valid answer.*\nretry:/);
      await server.close();
    }
  });

  it("is an invalid answer for a stream that has a credential", async () => {
    const server = serve();
    const { text } = await open(server, "", admin);
    expect(text).toMatch(/^: .*\nretry:/);
    await server.close();
  });

  it("ends with a revocation, also in a cached answer", async () => {
    let now = 1000;
    backend.answer = () => ({ ...anna, cacheSeconds: 300 });
    const server = serve({ ask: ["connect"] }, { now: () => now });
    const { clientId = "" } = await open(server);
    await eventually(() => server.realtimeManager?.getClient(clientId), "the client is registered");
    now += 1000;
    expect(await server.registry.revoke({ subject: "anna" })).toBe(1);
    now += 1000;
    expect(await open(server)).toMatchObject({ status: 401 });
    await server.close();
  });
});
