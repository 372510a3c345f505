import { afterEach, beforeEach, describe, expect, it, onTestFailed } from "vitest";
import { closeClients } from "../support/clients.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { eventually, pause } from "../support/deadline.ts";
import { type ChaosTarget, killChaosLine, runKillChaos } from "../support/kill-chaos.ts";
import { CROWD_TOPICS, startCrowd } from "../support/presence-crowd.ts";
import { type Random, seededRandom } from "../support/random.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";
import type { RuntimeUnderTest } from "../support/service.ts";
import { JWT_SECRET } from "../support/tokens.ts";

/** `STRIKES`, `CHAOS_CLIENTS` and `CHAOS_SEED` set the size of the run and repeat its choices. */
const CLIENTS = Number(process.env.CHAOS_CLIENTS ?? 60);
const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
const PUBLISHERS = 5;
/** Number of users who come and go. */
const CROWD = 30;

const ENV = {
  LOG_LEVEL: "info",
  REALTIME_JWT_SECRET: JWT_SECRET,
  REALTIME_TOPICS: CROWD_TOPICS,
};

/** Disturbances in which Redis loses nothing, because it writes each command to its disk. Each ends by itself. */
const FAULTS: Readonly<
  Record<string, (cluster: Cluster, redis: RedisServer, random: Random) => Promise<unknown>>
> = {
  "a process is killed": (cluster, _, random) =>
    cluster.killAndRestart(random.between(0, cluster.services.length - 1)),
  "Redis is killed": async (_, redis, random) => {
    await redis.kill();
    await pause(random.between(0, 1500));
    await redis.start();
  },
  "Redis stands still": async (_, redis, random) => {
    redis.signal("SIGSTOP");
    await pause(random.between(100, 5000));
    redis.signal("SIGCONT");
  },
  "the connections to Redis are cut": (_, redis) =>
    redis.command("CLIENT", "KILL", "TYPE", "normal"),
  "the subscriptions to Redis are cut": (_, redis) =>
    redis.command("CLIENT", "KILL", "TYPE", "pubsub"),
  "Redis forgets the scripts": (_, redis) => redis.command("SCRIPT", "FLUSH"),
  "Redis has no memory left": async (_, redis, random) => {
    await redis.command("CONFIG", "SET", "maxmemory", "1");
    await pause(random.between(100, 1000));
    await redis.command("CONFIG", "SET", "maxmemory", "0");
  },
};

/**
 * Three processes over one Redis that are disturbed under load.
 *
 * @param defaultStrikes Number of disturbances, unless STRIKES is set. Default: each kind once.
 */
export function clusterChaosSuite(
  runtime: RuntimeUnderTest,
  defaultStrikes = Object.keys(FAULTS).length,
): void {
  const strikesWanted = Number(process.env.STRIKES ?? defaultStrikes);
  const title = `three processes on ${runtime.name} over one Redis`;
  describe.skipIf(NO_REDIS)(`${title}${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`, () => {
    let redis: RedisServer;
    let cluster: Cluster;
    beforeEach(async () => {
      redis = await startRedis({ isDurable: true });
      cluster = await startCluster(runtime, { redisURL: redis.url, env: ENV });
    });
    afterEach(async () => {
      closeClients();
      await cluster.stop();
      await redis.stop();
    });

    it(
      `disturbed ${strikesWanted} times deliver every acknowledged message once for each key, in order, and their members are those who are there`,
      async () => {
        onTestFailed(() => console.log(`cluster on ${runtime.name}: seed ${SEED}`));
        const random = seededRandom(SEED);
        const names = Object.keys(FAULTS);
        const struck: Record<string, number> = {};
        let strikes = 0;
        const target: ChaosTarget = {
          name: `three processes on ${runtime.name}`,
          url: cluster.url,
          strike: async () => {
            // Each kind in turn first, then at random.
            const name = names[strikes] ?? random.pick(names);
            strikes += 1;
            struck[name] = (struck[name] ?? 0) + 1;
            await FAULTS[name]?.(cluster, redis, random);
          },
          stop: async () => {},
        };
        const options = {
          target,
          publishers: PUBLISHERS,
          clients: Math.ceil(CLIENTS / PUBLISHERS),
          kills: strikesWanted,
          seed: SEED,
        };
        const crowd = await startCrowd(cluster.url, CROWD, random);
        const result = await runKillChaos(options);
        await crowd.stop();
        console.log(killChaosLine(options, result), JSON.stringify(struck));
        expect(result.faults).toEqual([]);
        expect(result).toMatchObject({ lost: 0, doubled: 0, disordered: 0, strange: 0 });
        expect(result.unrecovered).toBe(0);
        // A run in which no request failed, or in which no client resumed, proves nothing.
        expect(result.retries).toBeGreaterThan(0);
        expect(result.recovered).toBeGreaterThan(0);
        // The graces end, and the streams that the last disturbance cut reconnect.
        const isTrue = () => JSON.stringify(crowd.seen()) === JSON.stringify(crowd.here());
        await eventually(isTrue, "the subscriber sees the members", 60_000).catch(() => {});
        console.log(`${crowd.here().length} members after ${crowd.events()} events of presence`);
        expect(crowd.seen()).toEqual(crowd.here());
        expect(crowd.events()).toBeGreaterThan(strikesWanted);
      },
      strikesWanted * 15_000 + 120_000,
    );
  });
}
