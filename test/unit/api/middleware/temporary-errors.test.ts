import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { describe, expect, it } from "vitest";
import {
  createTemporaryErrorHandler,
  isTemporary,
} from "../../../../src/api/middleware/temporary-errors.ts";
import { createServer } from "../../../../src/api/server.ts";
import { RealtimeError, type RealtimeErrorCode } from "../../../../src/realtime/errors.ts";
import { protectLogger } from "../../../../src/realtime/protected-logger.ts";
import type { FrameSink, LogFields } from "../../../../src/realtime/types.ts";
import type { ClientRegistry } from "../../../../src/registry/registry.ts";
import { ActiveStreams } from "../../../../src/stream/active-streams.ts";
import { formatRetry, spreadRetry } from "../../../../src/stream/retry.ts";
import { startJSONServer } from "../../../support/json-server.ts";
import { signToken } from "../../../support/tokens.ts";

const REFUSAL = /^: [^\n]+\nretry: \d+\n\n$/;

function refusing(code: RealtimeErrorCode) {
  const open = () => Promise.reject(new RealtimeError(code, "Not\r\nnow."));
  const registry = { open } as unknown as ClientRegistry;
  return createServer({ registry, origins: ["*"], now: () => 0 });
}

describe("a stream that can't be opened", () => {
  it.each([
    ["closed", 1000],
    ["unreachable", 1000],
    ["unavailable", 2000],
    ["too_many_requests", 5000],
    ["too_many_clients", 5000],
  ] as const)("because of %s, asks its client to reconnect", async (code, least) => {
    const response = await refusing(code).app.request("/api/realtime", {
      headers: { Origin: "https://page.example" },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    const text = await response.text();
    expect(text).toMatch(/^: Not now\.\nretry: \d+\n\n$/);
    const retry = Number(/retry: (\d+)/.exec(text)?.[1]);
    expect(retry).toBeGreaterThanOrEqual(least);
    expect(retry).toBeLessThanOrEqual(least + 4000);
  });

  it.each([
    ["refused_token", 401],
    ["revoked", 401],
    ["not_allowed", 403],
    ["invalid_input", 400],
    ["client_exists", 500],
  ] as const)("because of %s, which is not temporary, gets an error", async (code, status) => {
    expect(isTemporary(code)).toBe(false);
    expect((await refusing(code).app.request("/api/realtime")).status).toBe(status);
  });

  it("because a key set does not respond, or an address has too many tokens checked, asks its client to reconnect", async () => {
    const issuer = await startJSONServer(() => ({ status: 500 }));
    const headers = { Authorization: await signToken({}, { key: "x".repeat(32) }) };
    const byKeys = createServer({
      tokens: { jwksURL: issuer.url, algorithms: ["HS256", "RS256"], secrets: [] },
      introspection: { url: issuer.url },
      trustedProxyHeader: "X-Real-IP",
      connectsPerSecond: 0.1,
      maxClientsPerAddress: 100,
    });
    const texts = [];
    for (let n = 0; n < 3; n++) {
      const sent = { ...headers, "X-Real-IP": "192.0.2.1" };
      const response = await byKeys.app.request("/api/realtime", { headers: sent });
      expect(response.status).toBe(200);
      texts.push(await response.text());
    }
    await issuer.close();
    for (const text of texts) expect(text).toMatch(REFUSAL);
    expect(texts[0]).toContain("Tokens can't be checked");
    expect(texts[2]).toContain("token checks per second");
  });

  it.each([429, 502, 503, 504] as const)(
    "because the embedding app throws an HTTPException with %s, asks its client to reconnect",
    async (status) => {
      const refuse = () => {
        throw new HTTPException(status, { message: "The users' database is away." });
      };
      for (const options of [{ authenticate: refuse }, { hooks: { onConnect: refuse } }]) {
        const { app } = createServer(options);
        const response = await app.request("/api/realtime");
        expect(response.status).toBe(200);
        expect(await response.text()).toMatch(/^: The users' database is away\.\nretry: \d+\n\n$/);
      }
      const { app } = createServer({ authenticate: refuse });
      expect((await app.request("/api/realtime/messages?topic=a")).status).toBe(status);
    },
  );

  it("keeps its status for other methods", async () => {
    const server = createServer({ health: true });
    await server.close();
    expect((await server.app.request("/api/realtime")).status).toBe(200);
    const head = await server.app.request("/api/realtime", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const ready = await server.app.request("/api/health/ready");
    expect(ready.status).toBe(503);
  });
});

it("temporary errors are logged once a minute for each cause, with their number", async () => {
  let time = 0;
  const warnings: (LogFields | undefined)[] = [];
  const warn = (_: string, fields?: LogFields) => void warnings.push(fields);
  const logger = { debug() {}, info() {}, warn, error() {} };
  const guard = createTemporaryErrorHandler({
    logger: protectLogger(logger, () => time),
    streams: new ActiveStreams(),
  });
  const app = new Hono();
  app.get(
    "/",
    guard(() => {
      throw new RealtimeError("unavailable", "Later.", { cause: new Error("no route") });
    }),
  );
  for (let n = 0; n < 5; n++) await app.request("/");
  expect(warnings).toMatchObject([{ code: "unavailable", error: "Error: no route" }]);
  time = 60_000;
  await app.request("/");
  expect(warnings.slice(1)).toMatchObject([{ code: "unavailable", count: 5 }]);
});

describe("the time to reconnect", () => {
  const range = { min: 1000, max: 5000 };

  it("spreads with the number of clients, up to a minute", () => {
    expect(spreadRetry(range, 0)).toEqual(range);
    expect(spreadRetry(range, 2000)).toEqual(range);
    expect(spreadRetry(range, 5000)).toEqual({ min: 1000, max: 11_000 });
    expect(spreadRetry(range, 1_000_000)).toEqual({ min: 1000, max: 61_000 });
  });

  it("is drawn anew for each client, from the whole range", () => {
    const times = Array.from({ length: 1000 }, () => Number(/\d+/.exec(formatRetry(range))?.[0]));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(1000);
    expect(Math.max(...times)).toBeLessThanOrEqual(5000);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(3000);
  });

  it("is spread by the clients of a shard that was lost, where it is another process's", async () => {
    const open = async () => ({
      ...{ clientId: "0-a.b", cursor: undefined, shardClients: 30_000 },
      attach: async (sink: FrameSink) => sink.close("error"),
      resumeCursor: () => undefined,
      updateActivity() {},
      close() {},
    });
    const { app } = createServer({ registry: { open } as unknown as ClientRegistry });
    const times = [];
    for (let n = 0; n < 100; n++) {
      const { body } = await app.request("/api/realtime");
      // `new Response` avoids the guard of the response itself, which aborts the stream when middleware reads all of it.
      const text = await new Response(body).text();
      times.push(Number(/^retry: (\d+)/m.exec(text)?.[1]));
    }
    expect(Math.max(...times)).toBeGreaterThan(30_000);
    expect(Math.max(...times)).toBeLessThanOrEqual(61_000);
  });

  it("counts those that were open when the server began to stop", () => {
    const streams = new ActiveStreams();
    const all = [{}, {}, {}];
    for (const stream of all) streams.add(stream);
    streams.stop();
    for (const stream of all) streams.delete(stream);
    expect(streams.count).toBe(3);
  });
});
