import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  CALLBACK_SECRET,
  type CallbackBackend,
  startBackend,
} from "../support/callback-backend.ts";
import { closeClients } from "../support/clients.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { eventually } from "../support/deadline.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";
import type { RuntimeUnderTest } from "../support/service.ts";
import { openStream } from "../support/sse-client.ts";

type Event = Readonly<Record<string, string>>;

/** The events of three processes that share a Redis: one of the processes tells that a topic is occupied or vacated. */
export function clusterTellsSuite(runtime: RuntimeUnderTest): void {
  const title = `events of three processes on ${runtime.name}`;
  describe.skipIf(NO_REDIS)(`${title}${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`, () => {
    let backend: CallbackBackend;
    let redis: RedisServer;
    let cluster: Cluster;
    beforeEach(async () => {
      backend = await startBackend();
      redis = await startRedis();
      const env = {
        REALTIME_CALLBACK_URL: backend.url,
        REALTIME_CALLBACK_SECRET: CALLBACK_SECRET,
        REALTIME_CALLBACK_TELL: "connected,disconnected,occupied,vacated",
        REALTIME_PRESENCE_GRACE_SECONDS: "1",
      };
      cluster = await startCluster(runtime, { redisURL: redis.url, env });
    }, 60_000);
    afterEach(async () => {
      closeClients();
      await cluster.stop();
      await redis.stop();
      expect(backend.faults).toEqual([]);
      await backend.close();
    });

    const open = (index: number, topic: string) =>
      openStream(cluster.services[index]?.url ?? "", {}, `?topic=${topic}`);
    const openAll = (topic: string) => Promise.all([0, 1, 2].map((index) => open(index, topic)));
    const events = () => backend.bodies.flatMap((body) => body.events as readonly Event[]);
    /** The types of the events about a topic or a client. An event that arrived twice has the same id, and counts once. */
    const toldOf = (name: string) =>
      [...new Map(events().map((event) => [event.id, event])).values()]
        .filter(({ topic, clientId }) => topic === name || clientId === name)
        .map(({ type }) => type);
    const isTold = (name: string, count: number) =>
      eventually(() => toldOf(name).length >= count, `${count} events of ${name}`);

    /** Opens and closes streams on the first two processes. Their earlier events have arrived then, because each keeps its order. */
    async function fence(): Promise<void> {
      for (const index of [0, 1]) {
        const stream = await open(index, `fence/${index}`);
        stream.close();
        await isTold(stream.clientId, 2);
        await isTold(`fence/${index}`, 2);
      }
    }

    it("tells once that a topic is occupied, and once that it is vacated", async () => {
      const streams = await openAll("room");
      await isTold("room", 1);
      for (const stream of streams) stream.close();
      for (const { clientId } of streams) await isTold(clientId, 2);
      await isTold("room", 2);
      await fence();
      expect(toldOf("room")).toEqual(["occupied", "vacated"]);
      for (const { clientId } of streams)
        expect(toldOf(clientId)).toEqual(["connected", "disconnected"]);
    }, 60_000);

    it("tells that a topic is vacated when the last process with a stream is killed", async () => {
      const [first, second, third] = await openAll("room");
      await open(2, "alone");
      await isTold("room", 1);
      await isTold("alone", 1);
      await isTold(third?.clientId ?? "", 1);
      await cluster.services[2]?.stop("SIGKILL");
      await isTold("alone", 2);
      expect(toldOf("room")).toEqual(["occupied"]);
      first?.close();
      second?.close();
      await isTold("room", 2);
      await fence();
      expect(toldOf("room")).toEqual(["occupied", "vacated"]);
      expect(toldOf("alone")).toEqual(["occupied", "vacated"]);
      // Only the killed process could tell of its streams.
      expect(toldOf(third?.clientId ?? "")).toEqual(["connected"]);
    }, 60_000);
  });
}
