import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLOSE_REASONS } from "../../../src/realtime/types.ts";
import { VERSION } from "../../../src/realtime/version.ts";
import { ADMIN_KEY, call, postJSON } from "../../support/api.ts";
import { eventually } from "../../support/deadline.ts";
import { leftOut } from "../../support/flags.ts";
import { openRaw } from "../../support/raw-client.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";

export function errorsSuite(runtime: RuntimeUnderTest): void {
  describe("errors", () => {
    let service: Service;
    beforeAll(async () => {
      service = await startService(runtime);
    });
    afterAll(() => service.stop());

    const admin = { Authorization: `Bearer ${ADMIN_KEY}` };
    const posts = ["/api/realtime", "/api/realtime/messages"];
    const shape = (status: number, text: string) => ({
      status,
      message: expect.stringContaining(text),
      data: {},
    });

    it("answers 404 for an unknown path", async () => {
      for (const path of ["/nothing", "/api/nothing", "/api/realtime/", "/api//realtime"]) {
        const answer = await call(service.url, path);
        expect(answer.status).toBe(404);
        expect(answer.body).toEqual(shape(404, "nothing at this path"));
      }
    });

    it("answers 405 for a wrong method, with the allowed methods", async () => {
      const wrong = [
        ["PUT", "/api/realtime", "GET, POST"],
        ["DELETE", "/api/realtime", "GET, POST"],
        ["PUT", "/api/realtime/messages", "GET, POST, DELETE"],
        ["POST", "/api/realtime/stats", "GET"],
        ["POST", "/api/health", "GET"],
      ] as const;
      for (const [method, path, allow] of wrong) {
        const answer = await call(service.url, path, { method });
        expect([method, path, answer.status]).toEqual([method, path, 405]);
        expect(answer.headers.get("allow")).toBe(allow);
        expect(answer.body).toEqual(shape(405, allow));
      }
    });

    const tooLarge = "answers 413 for a body over the limit, with or without Content-Length";
    it.skipIf(runtime.isProxied)(leftOut(tooLarge, runtime.isProxied), async () => {
      const body = JSON.stringify({ clientId: "x", topic: "a", data: "x".repeat(1024 * 1024) });
      for (const path of posts) {
        const announced = await postJSON(service.url, path, body, admin);
        expect(announced.status).toBe(413);
        expect(announced.body).toEqual(shape(413, "1048576 bytes"));
        const client = await openRaw(service.url, { method: "OPTIONS" });
        client.socket.write(
          `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
            `Authorization: Bearer ${ADMIN_KEY}\r\nTransfer-Encoding: chunked\r\n\r\n` +
            `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
        );
        await client.waitFor(/HTTP\/1\.1 413 /, `413 for a chunked body at ${path}`);
        client.socket.destroy();
      }
    });

    it("answers 415 for an unknown content type, with the known ones", async () => {
      for (const path of posts) {
        for (const type of ["text/plain", "application/xml", "application/jsonx", ""]) {
          const answer = await postJSON(service.url, path, '{"clientId":"x"}', {
            ...admin,
            "Content-Type": type,
          });
          expect([path, type, answer.status]).toEqual([path, type, 415]);
          expect(answer.body).toEqual(shape(415, "application/json"));
        }
      }
      const types = ["application/json; charset=utf-8", "Application/JSON", "application/ld+json"];
      for (const type of types) {
        const answer = await postJSON(
          service.url,
          "/api/realtime/messages",
          { topic: "a", data: 1 },
          { ...admin, "Content-Type": type },
        );
        expect([type, answer.status]).toEqual([type, 200]);
      }
    });

    it("answers 400 for broken JSON", async () => {
      for (const path of posts) {
        for (const body of ["{", "[1,]", '{"a":1}x', "\u0000"]) {
          const answer = await postJSON(service.url, path, body, admin);
          expect([path, body, answer.status]).toEqual([path, body, 400]);
          expect(answer.body).toEqual(shape(400, "not valid JSON"));
        }
      }
    });

    it("lets pages of other origins read its errors", async () => {
      const answer = await postJSON(service.url, "/api/realtime", "{", { Origin: "https://x.y" });
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    });

    it("answers the health check without credentials, in PocketBase's format", async () => {
      const answer = await call(service.url, "/api/health");
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({
        code: 200,
        message: "API is healthy.",
        data: { version: VERSION },
      });
    });

    it("shows stats to the admin only", async () => {
      expect((await call(service.url, "/api/realtime/stats")).status).toBe(401);
      const answer = await call(service.url, "/api/realtime/stats", { headers: admin });
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({
        version: VERSION,
        runtime: runtime.perProcess ? "node" : runtime.name.toLowerCase(),
        clients: 0,
        subscriptions: 0,
        topics: 0,
        keyBudget: {
          ...{ used: 0, limit: expect.any(Number), refused: expect.any(Number) },
          ...{ characters: 0, charactersLimit: expect.any(Number) },
        },
        queuedBytes: 0,
        connects: 0,
        history: { messages: expect.any(Number), bytes: expect.any(Number) },
        kept: {
          topics: expect.any(Number),
          messages: expect.any(Number),
          bytes: expect.any(Number),
          evicted: expect.any(Number),
        },
        publishLatency: { counts: expect.any(Array), seconds: expect.any(Number) },
        startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        accepted: expect.any(Number),
        delivered: 0,
        replayed: 0,
        recovered: 0,
        unrecovered: 0,
        duplicate: 0,
        disconnects: Object.fromEntries(CLOSE_REASONS.map((reason) => [reason, 0])),
        ...(runtime.perProcess && { processes: { living: 3, silent: [] } }),
        ...{ logLinesDropped: 0, connectionsRefused: 0, waitingBytes: expect.any(Number) },
        refusedCredentials: expect.any(Number),
        rateRefusals: { publishes: 0, publish_bytes: 0, history_scan: 0, presence: 0 },
        callbacks: {
          ...{ asked: 0, refused: 0, failed: 0, cached: 0 },
          ...{ told: 0, retried: 0, dropped: 0, waiting: 0 },
        },
      });
    });

    const leaves = "logs no error for a client that leaves in the middle of its request";
    it.skipIf(runtime.isProxied)(leftOut(leaves, runtime.isProxied), async () => {
      const before = await openRaw(service.url, { method: "OPTIONS" });
      before.socket.write(
        "POST /api/realtime HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
      );
      await before.waitFor(/HTTP\/1\.1 204/, "the previous response");
      before.socket.destroy();
      if (runtime.ownHead === undefined) {
        await eventually(
          () => service.logs.some(({ msg }) => msg === "request failed"),
          "the request failed",
        );
      }
      expect(service.logs.filter(({ level }) => level === "error")).toEqual([]);
    });

    it("writes no key to the log", () => {
      expect(service.output()).toContain(service.url);
      expect(service.output()).not.toContain(ADMIN_KEY);
    });
  });
}
