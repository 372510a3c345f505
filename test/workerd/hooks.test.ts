import { afterEach, describe, expect, it } from "vitest";
import { createServer } from "../../src/api/server.ts";
import { workerRuntime } from "../../src/cloudflare.ts";
import { type Hooks, RealtimeError } from "../../src/index.ts";
import { eventually } from "../support/deadline.ts";
import { closeHubs, openHubs } from "./hubs.ts";

const KEY = "a-key-for-the-hooks";

afterEach(closeHubs);

/** A user's app over hubs. test/unit/api/hooks.test.ts has the results that each hook may return. */
function serve(hooks: Hooks) {
  const hubs = openHubs(2);
  const { registry } = hubs;
  // A disconnected client is noticed at the next write.
  const { app } = createServer({
    registry,
    hooks,
    adminKey: KEY,
    runtime: workerRuntime,
    pingInterval: 100,
  });
  const post = (path: string, body: unknown) =>
    app.request(`/api/realtime${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${KEY}` },
      body: JSON.stringify(body),
    });
  const open = async (query: string) => {
    const response = await app.request(`/api/realtime${query}`);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const heard = async (part: RegExp) => {
      for (let found = part.exec(text); ; found = part.exec(text)) {
        if (found !== null) return found;
        const { value, done = true } = (await reader?.read()) ?? {};
        if (done) throw new Error(`It ended without ${part}: ${text}`);
        text += value;
      }
    };
    return { response, heard, leave: () => reader?.cancel() };
  };
  return { hubs, registry, post, open };
}

describe("an app's hooks, over hubs", () => {
  it("change subscriptions and messages, and are called for disconnects", async () => {
    const gone: unknown[] = [];
    const { hubs, post, open } = serve({
      onSubscribe: ({ subscriptions }) => subscriptions.map((key) => `mine/${key}`),
      onMessage: ({ message }) =>
        "topic" in message ? { ...message, data: { was: message.data } } : undefined,
      onDisconnect: (event) => void gone.push(event),
    });
    const client = await open("?topic=a");
    const [, clientId = ""] = await client.heard(/^id: (.*)$/m);
    expect((await hubs.find(clientId))?.subscriptions).toEqual(["mine/a"]);
    expect((await post("", { clientId, subscriptions: ["b"] })).status).toBe(204);
    expect((await hubs.find(clientId))?.subscriptions).toEqual(["mine/b"]);
    expect((await post("/messages", { topic: "mine/b", data: 1 })).status).toBe(200);
    const [, data] = await client.heard(/^event: mine\/b\ndata: (.*)$/m);
    expect(data).toBe('{"was":1}');
    await client.leave();
    await eventually(() => gone.length === 1, "onDisconnect is called");
    expect(gone).toEqual([{ clientId, reason: "client" }]);
  });

  it("may refuse a client, which leaves no state on any hub", async () => {
    const { hubs, registry, open } = serve({
      onConnect: () => {
        throw new RealtimeError("not_allowed", "Not you.");
      },
    });
    const { response } = await open("?topic=a");
    expect(response.status).toBe(403);
    // The hub is notified of the closed socket after the response.
    await eventually(async () => (await registry.stats()).clients === 0, "the client is removed");
    await eventually(async () => (await hubs.traces()) === 0, "no row and no socket is left");
  });
});
