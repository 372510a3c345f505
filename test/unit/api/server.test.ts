import { HTTPException } from "hono/http-exception";
import { describe, expect, it } from "vitest";
import { createServer } from "../../../src/api/server.ts";
import { RealtimeError } from "../../../src/realtime/errors.ts";
import type { ClientRegistry } from "../../../src/registry/registry.ts";

/** The header names the user. A request without it is a guest. */
const authenticate = (c: { req: { header(name: string): string | undefined } }) =>
  c.req.header("X-User");

async function open(server: ReturnType<typeof createServer>, user?: string) {
  const headers: Record<string, string> = user === undefined ? {} : { "X-User": user };
  const response = await server.app.request("/api/realtime", { headers });
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  const [, clientId = ""] = /^id: (.+)$/m.exec(new TextDecoder().decode(value)) ?? [];
  const subscribe = async (as?: string) => {
    const answer = await server.app.request("/api/realtime", {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        ...(as === undefined ? {} : { "X-User": as }),
      },
      body: JSON.stringify({ clientId, subscriptions: ["a"] }),
    });
    return { status: answer.status, text: await answer.text() };
  };
  return { response, clientId, subscribe, leave: () => reader?.cancel() };
}

describe("the identity of a client", () => {
  it("may go from guest to signed-in, and nowhere else", async () => {
    const server = createServer({ authenticate });
    const client = await open(server);
    expect((await client.subscribe()).status).toBe(204);
    expect((await client.subscribe("anna")).status).toBe(204);
    expect((await client.subscribe("anna")).status).toBe(204);
    for (const other of ["bert", undefined]) {
      const { status, text } = await client.subscribe(other);
      expect(status).toBe(403);
      expect(JSON.parse(text)).toEqual({ status: 403, message: expect.any(String), data: {} });
    }
    await client.leave();
    await server.close();
  });

  it("is the one that the stream was opened with", async () => {
    const server = createServer({ authenticate });
    const client = await open(server, "anna");
    expect((await client.subscribe()).status).toBe(403);
    expect((await client.subscribe("anna")).status).toBe(204);
    await client.leave();
    await server.close();
  });

  it("is refused when it is too long, and the response does not say why", async () => {
    const errors: string[] = [];
    const logger = { debug() {}, info() {}, warn() {}, error: (msg: string) => errors.push(msg) };
    const server = createServer({ authenticate: () => "x".repeat(1025), logger });
    const response = await server.app.request("/api/realtime");
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("1025");
    expect(errors).toEqual(["request failed"]);
  });
});

describe("a shard that can't be reached", () => {
  const unreachable = () => Promise.reject(new RealtimeError("unreachable", "Shard 0 is away."));
  const registry = { open: unreachable, publish: unreachable } as unknown as ClientRegistry;
  const server = createServer({ registry, adminKey: "the-admin-key-of-a-test" });

  it("asks a client to reconnect, in a stream: an EventSource would give up at a 503", async () => {
    const response = await server.app.request("/api/realtime");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const text = await response.text();
    expect(text).toMatch(/^: Shard 0 is away\.\nretry: \d{4}\n\n$/);
  });

  it("answers a publisher with 503 and when to try again", async () => {
    const response = await server.app.request("/api/realtime/messages", {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Authorization: "Bearer the-admin-key-of-a-test",
      },
      body: '{"topic":"a","data":1}',
    });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(await response.json()).toEqual({
      ...{ status: 503, message: "Shard 0 is away.", data: {} },
      ids: [expect.stringMatching(/^[\w-]{21}$/)],
    });
  });
});

it("a refusal by the embedding app holds for the history too", async () => {
  const refuse = () => {
    throw new HTTPException(401, { message: "Sign in first." });
  };
  const server = createServer({ authenticate: refuse });
  await server.publish({ topic: "secret", data: 1 });
  for (const path of ["/api/realtime?topic=secret", "/api/realtime/messages?topic=secret"]) {
    const answer = await server.app.request(path);
    expect([path, answer.status]).toEqual([path, 401]);
    expect(await answer.text()).not.toContain("topics");
  }
});
