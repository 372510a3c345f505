import { afterAll, beforeAll, describe } from "vitest";
import type { MessageLog } from "../../src/log/log.ts";
import { createArrivalClock } from "../../src/realtime/clock.ts";
import { parseCursor } from "../../src/realtime/cursor.ts";
import { RealtimeManager } from "../../src/realtime/manager.ts";
import { createClusterRegistry } from "../../src/registry/cluster/registry.ts";
import { openRedis } from "../../src/runtimes/process/redis/open-redis.ts";
import { AUTH_GRACE, PRESENCE, registrySuite } from "../suites/registry.ts";
import { eventually } from "../support/deadline.ts";
import { roundRobin } from "../support/memory-cluster.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";

const title = `a registry over Redis${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`;

describe.skipIf(NO_REDIS)(title, () => {
  let redis: RedisServer;
  let prefixes = 0;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  async function start() {
    const { log, bus } = await openRedis({ url: redis.url, prefix: `registry-${prefixes}` });
    const manager = new RealtimeManager({ authGrace: AUTH_GRACE, presence: PRESENCE });
    const nextArrival = createArrivalClock(Date.now);
    return { log, bus, registry: createClusterRegistry({ manager, log, bus, nextArrival }) };
  }

  registrySuite(
    "three processes over Redis",
    async () => {
      prefixes += 1;
      const processes = await Promise.all([start(), start(), start()]);
      const [first] = processes;
      const haveMet = async () => (await first?.bus.living())?.length === processes.length;
      await eventually(haveMet, "the processes know each other");
      const registries = processes.map(({ bus, registry }) => [bus.home, registry] as const);
      const logs = processes.map(({ log }) => log);
      return roundRobin(new Map(registries), () => settle(logs));
    },
    { topicsPerShard: "each process counts the topics of its own clients" },
  );
});

/** Waits until all processes have received the messages and erasures that one of them has. */
async function settle(logs: readonly MessageLog[]): Promise<void> {
  for (const ahead of logs) {
    const cursor = parseCursor(ahead.cursor());
    if (cursor !== undefined) for (const log of logs) await log.catchUp?.(cursor);
  }
  await eventually(async () => {
    const all = await Promise.all(logs.map((log) => log.stats()));
    return new Set(all.map(({ messages, bytes }) => `${messages} ${bytes}`)).size === 1;
  }, "all processes have the same history");
}
