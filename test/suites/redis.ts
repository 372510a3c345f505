import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ADMIN_KEY, call, postJSON, publish } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually, within } from "../support/deadline.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";
import {
  type RuntimeUnderTest,
  type Service,
  spawnService,
  startService,
} from "../support/service.ts";
import { openStream, type SSEClient } from "../support/sse-client.ts";

const PASSWORD = "a-password-for-redis";
const admin = { Authorization: `Bearer ${ADMIN_KEY}` };

/** A service with `REDIS_URL`: its start, its answers while Redis is away, and its stop. */
export function redisSuite(runtime: RuntimeUnderTest): void {
  const reason = NO_REDIS ? ` (skipped: ${NO_REDIS})` : "";
  describe.skipIf(NO_REDIS)(`a service over Redis on ${runtime.name}${reason}`, () => {
    let redis: RedisServer;
    let env: Record<string, string>;
    const services: Service[] = [];
    beforeAll(async () => {
      const user = ["--user", "app", "on", `>${PASSWORD}`, "~*", "&*", "+@all"];
      redis = await startRedis({ isDurable: true, args: user });
    });
    afterAll(() => redis.stop());
    let tests = 0;
    beforeEach(() => {
      tests += 1;
      const REDIS_URL = `redis://app:${PASSWORD}@127.0.0.1:${redis.port}`;
      env = { REDIS_URL, REDIS_PREFIX: `test:${tests}` };
    });
    afterEach(async () => {
      closeClients();
      redis.signal("SIGCONT");
      for (const service of services.splice(0)) {
        expect(service.output()).not.toContain(PASSWORD);
        await service.stop("SIGKILL");
      }
    });

    const start = async (): Promise<Service> => {
      const service = await startService(runtime, { env });
      services.push(service);
      return service;
    };
    const refusal = async (more: Record<string, string>): Promise<string> => {
      const service = spawnService(runtime, { env: { ...env, ...more } });
      expect(await within(service.exited, 30_000, "the service ends")).toBe(1);
      expect(service.output()).not.toMatch(/\n\s+at /);
      expect(service.output()).not.toContain(PASSWORD);
      return service.output();
    };
    const chatOf = ({ events }: SSEClient) =>
      events.filter(({ event }) => event === "chat").map(({ data }) => Number(data));
    const statusOf = async ({ url }: Service, path: string) => (await call(url, path)).status;

    it("shares messages and history with a process that starts later, and says so in its log", async () => {
      const first = await start();
      await publish(first.url, { topic: "chat", data: 1, id: "m1" });
      const second = await start();
      const client = await openStream(second.url, {}, "?topic=chat");
      await publish(first.url, { topic: "chat", data: 2, id: "m2" });
      await eventually(() => chatOf(client).length === 1, "the message of the other process");
      expect(chatOf(client)).toEqual([2]);
      const { body } = await call(second.url, "/api/realtime/messages?topic=chat");
      expect(body.messages.map(({ data }: { data: number }) => data)).toEqual([1, 2]);
      const line = second.logs.find(({ msg }) => msg === "connected to Redis");
      expect(line).toMatchObject({ prefix: env.REDIS_PREFIX, messages: 1 });
      expect(line?.process).toMatch(/^[a-z\d]{8}$/);
    });

    it("does not start without Redis, with a wrong password, or together with a data folder", async () => {
      const away = await refusal({ REDIS_URL: `redis://app:${PASSWORD}@127.0.0.1:1` });
      expect(away).toContain("could not start");
      expect(away).toContain("Redis can't be reached (ECONNREFUSED)");
      expect(away).toContain("REDIS_URL");
      const wrong = await refusal({ REDIS_URL: `redis://app:wrong@127.0.0.1:${redis.port}` });
      expect(wrong).toContain("refused the user or the password of REDIS_URL");
      const alone = await refusal({ REDIS_URL: "", REDIS_READ_URL: env.REDIS_URL ?? "" });
      expect(alone).toContain("REDIS_READ_URL is set, but REDIS_URL is not.");
      const both = await refusal({ REALTIME_DATA: "./data" });
      expect(both).toContain("REALTIME_DATA and REDIS_URL");
    });

    it("is alive but not ready while Redis is away, keeps its streams, and gives publishers the ids for a retry", async () => {
      const service = await start();
      const client = await openStream(service.url, {}, "?topic=chat");
      await publish(service.url, { topic: "chat", data: 1 });
      await redis.kill();
      const ready = "/api/health/ready";
      await eventually(async () => (await statusOf(service, ready)) === 503, "not ready");
      expect(await statusOf(service, "/api/health")).toBe(200);
      const messages = [
        { topic: "chat", data: 2 },
        { topic: "chat", data: 3, id: "m3" },
      ];
      const failed = await postJSON(service.url, "/api/realtime/messages", messages, admin);
      expect(failed.status).toBe(503);
      expect(failed.body.ids).toEqual([expect.any(String), "m3"]);

      await redis.start();
      await eventually(async () => (await statusOf(service, ready)) === 200, "ready again");
      const again = messages.map((message, index) => ({ ...message, id: failed.body.ids[index] }));
      for (let attempt = 0; attempt < 2; attempt++) {
        const sent = await postJSON(service.url, "/api/realtime/messages", again, admin);
        expect(sent.status).toBe(200);
      }
      await eventually(() => chatOf(client).length >= 3, "the stream goes on");
      expect(chatOf(client)).toEqual([1, 2, 3]);
      expect(client.events.some(({ event }) => event === "PB_RESUME")).toBe(false);
    });

    it.each(["silent", "gone"])("stops with code 0 when Redis is %s", async (how) => {
      const service = await start();
      await openStream(service.url, {}, "?topic=chat");
      if (how === "gone") await redis.kill();
      else redis.signal("SIGSTOP");
      const message = { topic: "chat", data: 1, id: "m1" };
      const published = publish(service.url, message).catch(() => undefined);
      expect(await service.stop()).toBe(0);
      await published;
      if (how === "gone") await redis.start();
    });
  });
}
