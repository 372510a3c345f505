import { Agent, request } from "node:http";
import { describe, expect, it } from "vitest";
import { call, publish, readStats } from "../../support/api.ts";
import { within } from "../../support/deadline.ts";
import { leftOut } from "../../support/flags.ts";
import { openRaw } from "../../support/raw-client.ts";
import type { RuntimeUnderTest } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";
import { ADMIN, accessWorld } from "../access/context.ts";

const CONNECTS = 10_000;
const AT_ONCE = 50;
const MOST = 20;

/** Excessive input. */
export function floodAttacks(runtime: RuntimeUnderTest): void {
  describe("excessive input", () => {
    const world = accessWorld(runtime);

    it("of any input is refused, and the service stays healthy", async () => {
      const { url } = world;
      const { clientId } = await openStream(url);
      const long = (length: number) => "x".repeat(length);
      const topics = (count: number) => Array.from({ length: count }, () => "topic=a").join("&");
      const form = (fields: string) =>
        call(url, "/api/realtime", { method: "POST", body: new URLSearchParams(fields) });
      const record = (more: object) => {
        return { collection: "c", action: "create", record: { id: "r", ...more } };
      };
      const names = Array.from({ length: 60_000 }, (_, n) => `f${n}=`).join("&");
      const slashes = "/".repeat(60_000);
      const answers: [name: string, status: number, ...expected: number[]][] = [
        ["topics at connect", (await world.get(`/api/realtime?${topics(1001)}`)).status, 400],
        [
          "topics of history",
          (await world.get(`/api/realtime/messages?${topics(1001)}`)).status,
          400,
        ],
        ["a topic", (await world.get(`/api/realtime?topic=${long(2501)}`)).status, 400],
        [
          "a cursor",
          (await world.get(`/api/realtime/messages?topic=a&after=${long(256)}`)).status,
          400,
        ],
        ["a client id", (await world.subscribe(long(256), ["a"])).status, 400],
        ["keys", (await world.subscribe(clientId, Array(1001).fill("a"))).status, 400],
        [
          "keys together",
          (
            await world.subscribe(
              clientId,
              Array.from({ length: 60 }, (_, n) => n + long(2490)),
            )
          ).status,
          400,
        ],
        ["a key", (await world.subscribe(clientId, [long(2501)])).status, 400],
        ["a batch", (await publish(url, Array(1001).fill({ topic: "a", data: 1 }))).status, 400],
        ["an id", (await publish(url, { topic: "a", data: 1, id: long(256) })).status, 400],
        ["data", (await publish(url, { topic: "a", data: long(300_000) })).status, 413],
        ["a body", (await publish(url, long(1_100_000))).status, 413],
        ["a body of a guest", (await world.post("/api/realtime", long(1_100_000))).status, 413],
        [
          "a revocation",
          (await world.post("/api/realtime/revoke", long(1_100_000), ADMIN)).status,
          413,
        ],
        [
          "a token",
          (await world.get("/api/realtime", { Authorization: long(10_000) })).status,
          401,
          431,
        ],
        ["an address", (await world.get(`/api/health?${long(60_000)}`)).status, 200, 431, 414],
        // A quadratic algorithm would take minutes for this input, or exhaust the memory.
        ["fields of a form", (await form("subscriptions=&".repeat(60_000))).status, 400],
        ["names of a form", (await form(names)).status, 400],
        ["levels", (await publish(url, { topic: "a/".repeat(101), data: 1 })).status, 400],
        [
          "a collection's name",
          (await publish(url, record({ collectionName: slashes }))).status,
          400,
        ],
        [
          "a collection's id",
          (await publish(url, record({ collectionId: long(2500) }))).status,
          400,
        ],
        [
          "nesting",
          (await publish(url, `{"topic":"a","data":${"[".repeat(100_000)}${"]".repeat(100_000)}}`))
            .status,
          200,
          400,
        ],
        [
          "a number",
          (await publish(url, `{"topic":"a","data":1${"0".repeat(5000)}}`)).status,
          200,
          400,
        ],
      ];
      for (const [name, status, ...expected] of answers) {
        expect([name, status, expected.includes(status)]).toEqual([name, status, true]);
      }
      // A head of many small parts.
      const headers = Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`X-${n}`, "y"]));
      const raw = await openRaw(url, { headers });
      await raw.waitFor(/^HTTP\/1\.1 (200|431|400) /, "an answer");
      const { clients } = await readStats(url);
      expect(clients).toBeLessThanOrEqual(4);
      expect((await world.get("/api/health")).status).toBe(200);
    });
  });

  describe("bodies that do not arrive", () => {
    const world = accessWorld(runtime);
    const announced = (headers: Readonly<Record<string, string>> = {}) =>
      openRaw(world.url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Content-Length": "1048576", ...headers },
      });

    it("do not block other requests of their address", async () => {
      const { clientId } = await openStream(world.url);
      const silent = await Promise.all(Array.from({ length: 40 }, () => announced()));
      for (let n = 0; n < 5; n++) {
        expect((await world.subscribe(clientId, [`key-${n}`])).status).toBe(204);
      }
      for (const { socket } of silent) socket.destroy();
    });

    it.skipIf(runtime.lateAnswers !== undefined)(
      leftOut("are not awaited when the credential is invalid", runtime.lateAnswers),
      async () => {
        const wrong = await announced({ Authorization: "Bearer wrong" });
        await wrong.waitFor(/^HTTP\/1\.1 401 /, "the answer");
        wrong.socket.destroy();
      },
    );
  });
}

/** Many connects, which take long. */
export function connectFloods(runtime: RuntimeUnderTest): void {
  describe(`${CONNECTS} connects from one address`, () => {
    const world = accessWorld(runtime, {
      REALTIME_CONNECTS_PER_SECOND: String(MOST),
      REALTIME_MAX_CLIENTS_PER_ADDRESS: String(MOST),
      REALTIME_TRUSTED_PROXY_HEADER: "X-Real-IP",
      LOG_LEVEL: "info",
    });

    it("leave room for other clients, and do not fill the log", async () => {
      const others = await openStream(
        world.url,
        { headers: { "X-Real-IP": "192.0.2.2" } },
        "?topic=a",
      );
      const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
      const counts = new Map<string, number>();
      const open: (() => void)[] = [];
      const connect = () =>
        new Promise<void>((resolve, reject) => {
          const headers = { "X-Real-IP": "192.0.2.1" };
          const asked = request(`${world.url}/api/realtime`, { agent, headers }, (answer) => {
            answer.once("data", (chunk: Buffer) => {
              // A refusal is a comment, `retry:` and the end.
              const isOpen = chunk.toString().startsWith("event: PB_CONNECT");
              const kind = `${answer.statusCode} ${isOpen ? "opened" : "refused"}`;
              counts.set(kind, (counts.get(kind) ?? 0) + 1);
              if (!isOpen) return;
              // This connection stays open and bypasses the agent.
              agent.maxSockets += 1;
              open.push(() => asked.destroy());
              resolve();
            });
            answer.on("end", resolve);
          });
          asked.on("error", reject).end();
        });
      let asked = 0;
      const worker = async () => {
        while (asked++ < CONNECTS) await within(connect(), 20_000, `answer ${asked}`);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      console.log(`${runtime.name}: ${CONNECTS} connects: ${JSON.stringify([...counts])}`);
      expect([...counts.keys()].toSorted()).toEqual(["200 opened", "200 refused"]);
      expect(counts.get("200 opened")).toBeLessThanOrEqual(MOST);
      expect((await readStats(world.url)).clients).toBeLessThanOrEqual(MOST + 1);
      await world.publish({ topic: "a", data: "still there" });
      expect(await world.heard(others, "a")).toEqual(["still there"]);
      for (const close of open) close();
      agent.destroy();
      // `wrangler dev` logs each request by itself.
      expect(world.service.logs.length).toBeLessThan(100);
      expect((await call(world.url, "/api/health")).status).toBe(200);
    }, 120_000);
  });
}
