import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { publish } from "../support/api.ts";
import { type ChaosClient, openChaosClient } from "../support/chaos-client.ts";
import { closeClients } from "../support/clients.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { eventually } from "../support/deadline.ts";
import { type FaultyNetwork, startFaultyNetwork } from "../support/faulty-network.ts";
import { seededRandom } from "../support/random.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";
import type { RuntimeUnderTest } from "../support/service.ts";

const CLIENTS = 30;

/** Three processes over a Redis that loses messages: every client is told, and only if messages were lost. */
export function clusterLossSuite(runtime: RuntimeUnderTest): void {
  const title = `three processes on ${runtime.name} over a Redis that loses messages`;
  describe.skipIf(NO_REDIS)(`${title}${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`, () => {
    let redis: RedisServer;
    let network: FaultyNetwork;
    let cluster: Cluster;
    let clients: ChaosClient[];
    let next = 0;
    beforeEach(async () => {
      next = 0;
      redis = await startRedis({ isDurable: true });
      network = await startFaultyNetwork(redis.port);
      cluster = await startCluster(runtime, { redisURL: network.url, env: { LOG_LEVEL: "info" } });
      const random = seededRandom(1);
      clients = Array.from({ length: CLIENTS }, (_, index) =>
        openChaosClient(cluster.url, `client ${index}`, ["chat"], random),
      );
      await eventually(() => clients.every((client) => client.isConnected()), "all connect");
    }, 60_000);
    afterEach(async () => {
      closeClients();
      await cluster.stop();
      await network.close();
      await redis.stop();
    });

    /** Publishes numbered messages until each is accepted. The ids of a 503 are used for the next request. */
    async function say(count: number): Promise<void> {
      for (let sent = 0; sent < count; sent++) {
        const data = { n: next, padding: "" };
        next += 1;
        let id: string | undefined;
        await eventually(async () => {
          const answer = await publish(cluster.url, [{ topic: "chat", data, id }]);
          id = answer.body.ids?.[0] ?? id;
          return answer.status === 200;
        }, `message ${data.n} is accepted`);
      }
      await eventually(
        () => clients.every((client) => client.newest("chat") === next - 1),
        `all clients hear message ${next - 1}`,
      );
    }

    /** Every client has heard each message once and in order, whatever it was told. */
    function expectAllOnceInOrder(): void {
      const all = Array.from({ length: next }, (_, n) => n);
      for (const { received, name } of clients)
        expect(
          received.map(({ n }) => n),
          name,
        ).toEqual(all);
    }

    const told = () => clients.map(({ counts }) => counts.unrecovered);
    const each = (count: number) => clients.map(() => count);

    it("tells every client of a tail that a restored copy lacks, and goes on without a loss", async () => {
      await say(5);
      const copy = redis.copy();
      await say(5);
      expect(told()).toEqual(each(0));
      await redis.kill();
      redis.restore(copy);
      await redis.start();
      await eventually(() => told().every((count) => count === 1), "all clients are told");
      await say(5);
      expect(told()).toEqual(each(1));
      expectAllOnceInOrder();
    }, 60_000);

    it("tells every client after FLUSHALL", async () => {
      await say(5);
      await redis.command("FLUSHALL");
      await eventually(() => told().every((count) => count === 1), "all clients are told");
      await say(5);
      expect(told()).toEqual(each(1));
      expectAllOnceInOrder();
    }, 60_000);

    it("tells every client after a failover to a replica that lags", async () => {
      await say(5);
      const replica = await startRedis({
        args: ["--replicaof", "127.0.0.1", String(redis.port), "--repl-diskless-sync-delay", "0"],
      });
      try {
        const length = () => replica.command("XLEN", "{pocketwire}:0:log");
        await eventually(async () => (await length()).startsWith(":5"), "the replica is in sync");
        await replica.command("REPLICAOF", "NO", "ONE");
        await say(3);
        network.retarget(replica.port);
        network.cut();
        await eventually(() => told().every((count) => count === 1), "all clients are told");
        await say(5);
        expect(told()).toEqual(each(1));
        expectAllOnceInOrder();
      } finally {
        await replica.stop();
      }
    }, 90_000);

    it("tells no client if connections are cut or dark, an answer is lost, or Redis restarts without a loss", async () => {
      await say(3);
      network.cut();
      await say(3);
      network.swallowAnswerTo('"n":6');
      await say(3);
      expect(network.swallowed()).toBe(1);
      network.goDark();
      const dark = say(1);
      await new Promise((resolve) => setTimeout(resolve, 4000));
      network.goLight();
      await dark;
      await redis.kill();
      await redis.start();
      await say(3);
      expect(told()).toEqual(each(0));
      expectAllOnceInOrder();
    }, 90_000);
  });
}
