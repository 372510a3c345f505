import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { LogFields } from "../../../../../src/realtime/types.ts";
import { newHome } from "../../../../../src/registry/cluster/home.ts";
import type { RegistryStats } from "../../../../../src/registry/registry.ts";
import { RedisBus } from "../../../../../src/runtimes/process/redis/redis-bus.ts";
import { eventually, within } from "../../../../support/deadline.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../../../../support/redis-server.ts";

const UNREACHABLE = { code: "unreachable" };
/** Timeout of a call that must end by something else than its timeout. */
const NEVER = 60_000;
/** Deadline for an answer that does not wait for such a timeout. */
const DEADLINE = 20_000;

describe.skipIf(NO_REDIS)(`a bus over Redis${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`, () => {
  let redis: RedisServer;
  let prefixes = 0;
  const open: RedisBus[] = [];
  const warnings: (LogFields & { readonly msg: string })[] = [];
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterEach(async () => {
    for (const bus of open.splice(0)) await bus.close();
    warnings.splice(0);
    prefixes += 1;
  });
  afterAll(() => redis.stop());

  const prefix = () => `bus-${prefixes}`;

  /** Starts a process. Its call `echo` returns the arguments; `never` does not return; `large` returns too much. */
  async function start(stats: () => Promise<unknown> = async () => ({ clients: open.length })) {
    const warn = (msg: string, fields?: LogFields) => void warnings.push({ ...fields, msg });
    const logger = { debug() {}, info() {}, warn, error: warn };
    const bus = new RedisBus({ url: redis.url, prefix: prefix(), logger });
    await bus.open();
    open.push(bus);
    void bus.start(
      async ({ method, args }) => {
        if (method === "never") return new Promise(() => {});
        if (method === "large") return { ok: true, value: "x".repeat(17 * 1024 * 1024) };
        return { ok: true, value: args };
      },
      // The cast: the bus passes the statistics on as they are.
      stats as () => Promise<RegistryStats>,
    );
    return bus;
  }

  const call = (from: RedisBus, to: { readonly home: string }, arg: unknown = 1, timeout = NEVER) =>
    from.call(to.home, { method: "echo", args: [arg] }, timeout);

  const isLiving = async (bus: RedisBus, ...homes: string[]) => {
    const living = (await bus.living().catch(() => [])).map(({ home }) => home);
    return living.join() === homes.toSorted().join();
  };

  it("carries calls and results in both directions, many at the same time", async () => {
    const [a, b] = [await start(), await start()];
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, n) => call(n % 2 ? a : b, n % 2 ? b : a, { n, text: "ü\n" })),
    );
    expect(answers).toEqual(answers.map((_, n) => ({ ok: true, value: [{ n, text: "ü\n" }] })));
  });

  it("says at once that a process is gone, also one that has just ended", async () => {
    const [a, b] = [await start(), await start()];
    const unknown = call(a, { home: newHome() });
    expect(
      await within(unknown, DEADLINE, "the answer for a name without a process"),
    ).toBeUndefined();
    await b.close();
    // Until Redis has noticed the end of the connection, it counts the process among the receivers of a message.
    const receivers = () => redis.command("PUBSUB", "NUMSUB", `{${prefix()}}:to:${b.home}`);
    await eventually(async () => (await receivers()).endsWith(":0\r\n"), "Redis notices the end");
    expect(await within(call(a, b), DEADLINE, "the answer for a closed process")).toBeUndefined();
  });

  it("does not mix the processes of two prefixes", async () => {
    const a = await start();
    prefixes += 1;
    const b = await start();
    expect(await call(a, b)).toBeUndefined();
    await eventually(() => isLiving(b, b.home), "the process of the other prefix is living");
  });

  it("fails a call without a result when its time is over", async () => {
    const [a, b] = [await start(), await start()];
    const never = a.call(b.home, { method: "never", args: [] }, 50);
    await expect(within(never, 10_000, "the call fails")).rejects.toMatchObject(UNREACHABLE);
    expect(await call(a, b)).toEqual({ ok: true, value: [1] });
  });

  it("refuses a call that is too large, and says that a result is too large", async () => {
    const [a, b] = [await start(), await start()];
    const large = "x".repeat(17 * 1024 * 1024);
    await expect(call(a, b, large)).rejects.toMatchObject({ code: "too_large" });
    const result = a.call(b.home, { method: "large", args: [] });
    expect(await within(result, 10_000, "the error")).toMatchObject({ code: "too_large" });
  });

  it("ignores what is no message of a process, with a warning", async () => {
    const [a, b] = [await start(), await start()];
    await redis.command("PUBLISH", `{${prefix()}}:to:${b.home}`, "{");
    await eventually(() => warnings.length > 0, "a warning");
    expect(warnings).toMatchObject([
      { msg: "a message on the channel of this process is not JSON" },
    ]);
    expect(await call(a, b)).toEqual({ ok: true, value: [1] });
  });

  it("lists the living with the statistics of their heartbeats, until they leave", async () => {
    const [a, b] = [await start(async () => ({ clients: 7 })), await start()];
    await eventually(() => isLiving(b, a.home, b.home), "both are living");
    const [stats] = (await b.living()).filter(({ home }) => home === a.home);
    expect(stats).toEqual({ home: a.home, stats: { clients: 7 } });
    await a.leave();
    await eventually(() => isLiving(b, b.home), "the other process is living");
    expect(await call(b, a)).toEqual({ ok: true, value: [1] });
    expect(await redis.command("HEXISTS", `{${prefix()}}:stats`, a.home)).toBe(":0\r\n");
  });

  it("does not list a process that leaves while its heartbeat is being sent", async () => {
    const b = await start();
    let send = (_: object): void => {};
    const a = await start(
      () =>
        new Promise((resolve) => {
          send = resolve;
        }),
    );
    const leaving = a.leave();
    send({ clients: 1 });
    await within(leaving, 10_000, "the process leaves");
    await eventually(() => isLiving(b, b.home), "the other process is living");
    expect(await redis.command("ZSCORE", `{${prefix()}}:homes`, a.home)).toBe("$-1\r\n");
  });

  it("does not list a process without a heartbeat for 15 seconds, and removes it", async () => {
    const [homes, stats] = [`{${prefix()}}:homes`, `{${prefix()}}:stats`];
    await redis.command("ZADD", homes, String(Date.now() - 1000), "ended000");
    await redis.command("HSET", stats, "ended000", "{}");
    const a = await start();
    await eventually(() => isLiving(a, a.home), "the process is living");
    expect(await redis.command("ZCARD", homes)).toBe(":1\r\n");
    expect(await redis.command("HLEN", stats)).toBe(":1\r\n");
  });

  it("is not mistaken about a process when all subscriptions are cut", async () => {
    const [a, b] = [await start(), await start()];
    for (let round = 0; round < 5; round += 1) {
      await redis.command("CLIENT", "KILL", "TYPE", "pubsub");
      expect(await call(a, b, round)).toEqual({ ok: true, value: [round] });
    }
  });

  it("fails calls while Redis is away, and goes on by itself when Redis is back without its data", async () => {
    const [a, b] = [await start(), await start()];
    await eventually(() => isLiving(a, a.home, b.home), "both are living");
    await redis.kill();
    for (let count = 0; count < 3; count += 1) {
      const called = within(call(a, b), DEADLINE, "the call fails");
      await expect(called).rejects.toMatchObject(UNREACHABLE);
      const listed = within(a.living(), DEADLINE, "the list fails");
      await expect(listed).rejects.toMatchObject(UNREACHABLE);
    }
    await within(b.leave(), DEADLINE, "the process leaves without Redis");
    await redis.start();
    const isReached = async () => (await call(a, b, 1, 1000).catch(() => undefined)) !== undefined;
    await eventually(isReached, "the call reaches the process");
    await eventually(() => isLiving(a, a.home), "the process is living again");
  });

  it("fails calls when their time is over while Redis stands still", async () => {
    const [a, b] = [await start(), await start()];
    redis.signal("SIGSTOP");
    let isWaiting = true;
    const longest = call(a, b).catch(() => {
      isWaiting = false;
    });
    try {
      const calls = [1, 2, 3].map((n) => call(a, b, n, 100));
      const results = await within(Promise.allSettled(calls), DEADLINE, "the calls fail");
      for (const result of results) {
        expect(result).toMatchObject({ status: "rejected", reason: UNREACHABLE });
      }
      expect(isWaiting, "the longest call is still waiting").toBe(true);
    } finally {
      redis.signal("SIGCONT");
    }
    await longest;
    const isReached = async () => (await call(a, b, 1, 1000).catch(() => undefined)) !== undefined;
    await eventually(isReached, "the call reaches the process");
  });

  it("ends waiting calls when it is closed, and refuses further ones", async () => {
    const [a, b] = [await start(), await start()];
    const never = a.call(b.home, { method: "never", args: [] }, 60_000);
    // Settled before the check: `rejects` of Bun's runner blocks until the promise is settled.
    const settled = within(Promise.allSettled([never]), 10_000, "the call fails");
    await call(a, b);
    await a.close();
    expect(await settled).toMatchObject([{ status: "rejected", reason: UNREACHABLE }]);
    await expect(call(a, b)).rejects.toMatchObject({ code: "closed" });
  });
});
