import { HTTPException } from "hono/http-exception";
import { describe, expect, it } from "vitest";
import { createServer } from "../../src/api/server.ts";
import { type Hooks, RealtimeError } from "../../src/index.ts";
import { eventually } from "../support/deadline.ts";

const KEY = "a-key-for-hooks";

function serve(hooks: Hooks) {
  const server = createServer({ hooks, adminKey: KEY });
  const post = (path: string, body: unknown) =>
    server.app.request(`/api/realtime${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${KEY}` },
      body: JSON.stringify(body),
    });
  const open = async (query = "") => {
    const abort = new AbortController();
    const response = await server.app.request(`/api/realtime${query}`, { signal: abort.signal });
    const body = response.ok ? response.body : null;
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    const { value = "" } = (await reader?.read()) ?? {};
    const leave = () => {
      abort.abort();
      return reader?.cancel();
    };
    return { response, reader, leave, clientId: /^id: (.*)$/m.exec(value)?.[1] ?? "" };
  };
  return { ...server, post, open };
}

const refuse = () => {
  throw new RealtimeError("not_allowed", "Not you.");
};

describe("an app's hooks", () => {
  it("see a client come and go, with who it is and what it wants", async () => {
    const seen: unknown[] = [];
    const { open } = serve({
      onConnect: (event) => void seen.push(["connect", event]),
      onDisconnect: (event) => void seen.push(["disconnect", event]),
    });
    const client = await open("?topic=a");
    await client.leave();
    await eventually(() => seen.length === 2, "both are seen");
    const { clientId } = client;
    expect(seen).toEqual([
      ["connect", { clientId, ip: undefined, identity: undefined, subscriptions: ["a"] }],
      ["disconnect", { clientId, reason: "client" }],
    ]);
  });

  it("may refuse a client, which leaves nothing behind", async () => {
    const { open, registry } = serve({ onConnect: refuse });
    const { response } = await open();
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ message: "Not you." });
    expect((await registry.stats()).clients).toBe(0);
  });

  it("may refuse or change subscriptions, those of a connect as well", async () => {
    const seen: (string | undefined)[] = [];
    const { open, post, realtimeManager } = serve({
      onSubscribe: ({ clientId, subscriptions }) => {
        seen.push(clientId);
        if (subscriptions.includes("secret")) throw new HTTPException(418, { message: "No." });
        return subscriptions.map((key) => `mine/${key}`);
      },
    });
    const client = await open("?topic=a");
    const { clientId } = client;
    expect(realtimeManager?.getClient(clientId)?.subscriptions).toEqual(["mine/a"]);
    expect((await post("", { clientId, subscriptions: ["b"] })).status).toBe(204);
    expect(realtimeManager?.getClient(clientId)?.subscriptions).toEqual(["mine/b"]);
    expect((await post("", { clientId, subscriptions: ["secret"] })).status).toBe(418);
    expect((await open("?topic=secret")).response.status).toBe(418);
    expect(seen).toEqual([undefined, clientId, clientId, undefined]);
    await client.leave();
  });

  it("may refuse or change messages, and what they make of them is checked again", async () => {
    const { post, registry } = serve({
      onMessage: ({ message, isAdmin }) => {
        if (!("topic" in message)) return undefined;
        if (message.topic === "closed") return refuse();
        if (message.topic === "broken") return { topic: "", data: 1 };
        return { ...message, data: { isAdmin, was: message.data } };
      },
    });
    expect((await post("/messages", { topic: "a", data: 1 })).status).toBe(200);
    expect(
      (
        await post("/messages", [
          { topic: "a", data: 2 },
          { topic: "closed", data: 3 },
        ])
      ).status,
    ).toBe(403);
    expect((await post("/messages", { topic: "broken", data: 4 })).status).toBe(400);
    const { messages } = await registry.history({
      topics: ["a"],
      limit: 10,
      after: undefined,
      before: undefined,
    });
    expect(messages.map(({ message }) => message.data)).toEqual(['{"isAdmin":true,"was":1}']);
  });

  it("that fail at a disconnect harm nobody", async () => {
    const { open, registry } = serve({ onDisconnect: refuse });
    const client = await open();
    await client.leave();
    await eventually(async () => (await registry.stats()).clients === 0, "it is gone");
    await (await open()).leave();
  });
});
