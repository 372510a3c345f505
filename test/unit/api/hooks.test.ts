import { HTTPException } from "hono/http-exception";
import { describe, expect, it } from "vitest";
import { createServer } from "../../../src/api/server.ts";
import { type Hooks, RealtimeError, type ServerOptions } from "../../../src/index.ts";
import { eventually } from "../../support/deadline.ts";

const KEY = "a-key-for-the-hooks";

function serve(hooks: Hooks, options: ServerOptions = {}) {
  const server = createServer({ ...options, hooks, adminKey: KEY });
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
  it("see a client connect and disconnect, with its identity and subscriptions", async () => {
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

  it("that fail at a disconnect are logged, and harm no other client", async () => {
    const left: string[] = [];
    const onDisconnect = ({ clientId }: { readonly clientId: string }) => {
      left.push(clientId);
      refuse();
    };
    const errors: unknown[] = [];
    const error = (msg: string, fields?: object) => void errors.push({ msg, ...fields });
    const logger = { debug() {}, info() {}, warn() {}, error };
    const { open, registry } = serve({ onDisconnect }, { logger });
    const [client, other] = [await open(), await open()];
    await client.leave();
    await eventually(() => left.length === 1, "onDisconnect runs");
    expect(left).toEqual([client.clientId]);
    await eventually(() => errors.length === 1, "the error is logged");
    expect(errors).toEqual([
      { msg: "onDisconnect failed", error: expect.stringContaining("Not you.") },
    ]);
    expect((await registry.stats()).clients).toBe(1);
    await other.leave();
    await eventually(() => left.length === 2, "onDisconnect runs for the other client too");
    expect(left).toEqual([client.clientId, other.clientId]);
  });

  it("about subscriptions count for the history as well, and are checked", async () => {
    const answers: Record<string, readonly string[]> = {
      many: ["a", "b", "c"],
      broken: ["a\nb"],
      none: "a" as never,
    };
    const { app, publish } = serve(
      {
        onSubscribe: ({ subscriptions: [key = ""] }) =>
          key === "secret" ? refuse() : answers[key],
      },
      { maxSubscriptions: 2 },
    );
    await publish({ topic: "secret", data: 1 });
    const read = (topic: string) => app.request(`/api/realtime/messages?topic=${topic}`);
    expect((await read("secret")).status).toBe(403);
    expect((await read("open")).status).toBe(200);
    for (const topic of Object.keys(answers)) {
      expect((await app.request(`/api/realtime?topic=${topic}`)).status).toBe(400);
    }
  });

  it("that throw a value that is not an Error get 500, and are logged", async () => {
    const noted: unknown[] = [];
    const note = (_: string, fields?: object) => void noted.push(fields);
    const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: note };
    const thrown: unknown[] = ["no", undefined, { message: "no" }];
    const throws = () => {
      throw thrown[noted.length % thrown.length];
    };
    const hooks = { onConnect: throws, onSubscribe: throws, onMessage: throws };
    const { app, post } = serve(hooks, { logger });
    expect((await app.request("/api/realtime")).status).toBe(500);
    expect((await app.request("/api/realtime?topic=a")).status).toBe(500);
    expect((await post("/messages", { topic: "a", data: 1 })).status).toBe(500);
    expect(noted).toHaveLength(3);
  });

  it("about messages run for those who may publish, and see no others", async () => {
    let runs = 0;
    const onMessage = () => {
      runs += 1;
    };
    const hooks = { onMessage };
    const authenticate = () => ({ subject: "anna", publish: ["only/this"] });
    const { app } = createServer({ hooks, authenticate });
    const send = (topic: string) =>
      app.request("/api/realtime/messages", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ topic, data: 1 }),
      });
    expect((await send("forbidden")).status).toBe(403);
    expect(runs).toBe(0);
    expect((await send("only/this")).status).toBe(200);
    expect(runs).toBe(1);
  });

  it("run for a client that is over a limit when its stream opens, and the client is asked to reconnect", async () => {
    const [gone, waiting]: [string[], (() => void)[]] = [[], []];
    const { open } = serve(
      {
        onConnect: () => new Promise((resolve) => void waiting.push(resolve)),
        onDisconnect: ({ reason }) => void gone.push(reason),
      },
      { maxClients: 1 },
    );
    const opening = [open(), open()];
    await eventually(() => waiting.length === 2, "both run onConnect");
    for (const resolve of waiting) resolve();
    const clients = await Promise.all(opening);
    await eventually(() => gone.length === 1, "one is refused");
    expect(gone).toEqual(["error"]);
    let rest = "";
    for (
      let part = await clients[1]?.reader?.read();
      part && !part.done;
      part = await clients[1]?.reader?.read()
    )
      rest += part.value;
    expect(rest).toMatch(/^retry: \d+\n\n$/);
    await clients[0]?.leave();
  });
});
