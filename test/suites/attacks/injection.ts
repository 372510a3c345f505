import { describe, expect, it } from "vitest";
import { VERSION } from "../../../src/realtime/version.ts";
import { call, publish, readStats } from "../../support/api.ts";
import type { RuntimeUnderTest } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";
import { bearer, tokenFor } from "../../support/tokens.ts";
import { ADMIN, accessWorld } from "../access/context.ts";

const LINES = ["\n", "\r", "\r\n", "\n\nevent: forged\ndata: 1\n\n", "\0"];

/** Text that must not be interpreted: in frames, headers, logs, objects and URLs. */
export function injectionAttacks(runtime: RuntimeUnderTest): void {
  describe("text", () => {
    const world = accessWorld(runtime, { LOG_LEVEL: "debug" });

    it("with line breaks does not end a field of a frame or a line of the log", async () => {
      const client = await openStream(world.url, {}, "?topic=text");
      for (const line of LINES) {
        const bad = `a${line}b`;
        const encoded = encodeURIComponent(bad);
        const refusals = [
          await publish(world.url, { topic: bad, data: 1 }),
          await publish(world.url, { collection: bad, action: "create", record: { id: "r" } }),
          await publish(world.url, { collection: "c", action: "create", record: { id: bad } }),
          await world.subscribe(client.clientId, [bad]),
          await world.get(`/api/realtime?topic=${encoded}`),
          await world.get(`/api/realtime/messages?topic=${encoded}`),
        ];
        expect(refusals.map(({ status }) => status)).toEqual(refusals.map(() => 400));
        const others = [
          await world.subscribe(bad, ["a"]),
          await world.get(`/api/realtime/clients/${encoded}`, ADMIN),
        ];
        expect(others.map(({ status }) => status)).toEqual([404, 404]);
        const records = { collectionName: bad, collectionId: bad, text: bad };
        await world.publish(
          // An id must not contain NUL.
          { topic: "text", data: bad, id: bad.replaceAll("\0", "NUL") },
          { collection: "text", action: "create", record: { id: "r", ...records } },
        );
        const back = await openStream(world.url, {}, `?topic=text&lastEventId=${encoded}&last=1`);
        expect(back.events.some(({ event }) => event === "forged")).toBe(false);
        back.close();
      }
      const heard = await world.heard(client, "text");
      expect(heard).toHaveLength(2 * LINES.length);
      expect(heard.filter((data) => typeof data === "string")).toEqual(
        LINES.map((line) => `a${line}b`),
      );
      expect(client.events.filter(({ event }) => event !== "text")).toEqual([]);
      const lines = world.service
        .output()
        .split("\n")
        .filter((line) => /^(event|data): /.test(line));
      expect(lines).toEqual([]);
    });

    it("in a token's claims does not reach the log or a header", async () => {
      for (const sub of ["a\nb", "a\r\nSet-Cookie: x=1", "a\0b"]) {
        const answer = await world.get("/api/realtime?topic=a", bearer(await tokenFor(sub)));
        expect(answer.status).toBe(401);
        expect(answer.headers.get("set-cookie")).toBeNull();
      }
      const sub = '"}{"level":"error","msg":"forged"';
      const { clientId } = await openStream(world.url, { headers: bearer(await tokenFor(sub)) });
      const { body } = await world.get(`/api/realtime/clients/${clientId}`, ADMIN);
      expect(body.identity).toBe(sub);
    });

    it("that names inherited properties of objects changes no object", async () => {
      const client = await openStream(
        world.url,
        {},
        "?topic=objects&topic=__proto__&topic=constructor",
      );
      const polluted = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
      const post = (body: string) =>
        call(world.url, "/api/realtime/messages", {
          method: "POST",
          headers: { ...ADMIN, "Content-Type": "application/json" },
          body,
        });
      expect((await post(`{"topic":"objects","data":${polluted}}`)).status).toBe(200);
      expect((await post('{"topic":"__proto__","data":1}')).status).toBe(200);
      expect((await post('{"topic":"constructor","data":2}')).status).toBe(200);
      const record = `{"id":"__proto__","__proto__":{"collectionName":"objects"}}`;
      expect((await post(`{"collection":"c","action":"create","record":${record}}`)).status).toBe(
        200,
      );
      for (const body of [
        '{"__proto__":{"topic":"objects","data":9}}',
        '[{"__proto__":{"topic":"objects","data":9}}]',
        polluted,
      ]) {
        expect((await post(body)).status).toBe(400);
      }
      for (const id of ["__proto__", "constructor", "toString", "0-__proto__"]) {
        expect((await world.subscribe(id, ["a"])).status).toBe(404);
        expect((await world.get(`/api/realtime/clients/${id}`, ADMIN)).status).toBe(404);
      }
      const bare = await call(world.url, "/api/realtime", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: `{"clientId":"${client.clientId}","subscriptions":["objects"],"__proto__":{"lastEventId":5}}`,
      });
      expect(bare.status).toBe(400);
      const form = new URLSearchParams([
        ["__proto__", "x"],
        ["clientId", client.clientId],
        ["subscriptions", "objects"],
      ]);
      expect((await call(world.url, "/api/realtime", { method: "POST", body: form })).status).toBe(
        400,
      );
      await world.heard(client, "objects");
      expect(client.events[0]?.data).toBe(polluted);
      expect(client.events.slice(1, 3).map(({ event, data }) => [event, data])).toEqual([
        ["__proto__", "1"],
        ["constructor", "2"],
      ]);
      expect(await readStats(world.url)).not.toHaveProperty("polluted");
      expect((await world.get("/api/health")).body).toEqual({
        code: 200,
        message: "API is healthy.",
        data: { version: VERSION },
      });
    });

    it("of a path reaches only the route that it names", async () => {
      const paths = [
        "//api/realtime/stats",
        "/api//realtime/stats",
        "/api/realtime/stats/",
        "/api/realtime/./stats",
        "/api/realtime/x/../stats",
        "/api/realtime/%2e%2e/realtime/stats",
        "/api/realtime/%73tats",
        "/API/realtime/stats",
        "/api/realtime/stats%00",
        "/api/realtime/stats;x=1",
        "/api/realtime/stats?x=/api/health",
        "/api/health/../realtime/stats",
        "/api/realtime/clients/..%2fstats",
        "/api/realtime/clients/%2e%2e/stats",
        "/api/realtime/clients/%",
        "/api/realtime/clients/%ff",
        "/api/realtime/clients/",
      ];
      const tricks = {
        "X-HTTP-Method-Override": "GET",
        "X-Original-URL": "/api/health",
        "X-Rewrite-URL": "/api/health",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Path": "/api/health",
      };
      for (const path of paths) {
        for (const method of ["GET", "HEAD", "POST", "DELETE", "PUT"]) {
          const answer = await call(world.url, path, { method, headers: tricks });
          expect([method, path, answer.status]).toEqual([
            method,
            path,
            expect.toSatisfy((is) => is >= 400 && is < 500),
          ]);
          expect(JSON.stringify(answer.body)).not.toContain("accepted");
        }
      }
    });
  });
}
