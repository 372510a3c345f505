import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFailed } from "vitest";
import {
  type ClientChaosOptions,
  type ClientChaosTarget,
  runClientChaos,
} from "../support/client-chaos/run.ts";
import { closeClients } from "../support/clients.ts";
import { startCluster } from "../support/cluster.ts";
import { freePort } from "../support/free-port.mjs";
import { NO_REDIS, startRedis } from "../support/redis-server.ts";
import { type RuntimeUnderTest, startService } from "../support/service.ts";
import { JWT_SECRET } from "../support/tokens.ts";

/** `STRIKES`, `CHAOS_CLIENTS` and `CHAOS_SEED` set the size of the run and repeat its choices. */
const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);

export interface ClientChaosSuite {
  readonly strikes: number;
  readonly clients: number;
  readonly longestStall?: number;
}

const ENV = {
  LOG_LEVEL: "info",
  REALTIME_JWT_SECRET: JWT_SECRET,
  REALTIME_PING_SECONDS: "1",
  // More than are published while the network is dark: no gap is due.
  REALTIME_HISTORY_MESSAGES: "100000",
  REALTIME_HISTORY_BYTES: "100000000",
};

/** The network fails. */
export function clientChaosSuite(runtime: RuntimeUnderTest, suite: ClientChaosSuite): void {
  chaosOf(`a service on ${runtime.name}`, suite, async (ends) => {
    const service = await startService(runtime, { env: ENV });
    ends.push(() => service.stop());
    return { name: runtime.name, url: service.url };
  });
}

/** The network fails, and the service is killed with SIGKILL. */
export function clientKillSuite(runtime: RuntimeUnderTest | string, suite: ClientChaosSuite): void {
  if (typeof runtime === "string") {
    describe.skip(`kills under clients (skipped: ${runtime})`, () => it("is not tested", () => {}));
    return;
  }
  chaosOf(`a service on ${runtime.name} that is killed`, suite, async (ends) => {
    const folder = mkdtempSync(join(tmpdir(), "pocketwire-data-"));
    const env = { ...ENV, REALTIME_DATA: folder, PORT: await freePort() };
    let service = await startService(runtime, { env });
    ends.push(() => rmSync(folder, { recursive: true, force: true }));
    ends.push(() => service.stop("SIGKILL"));
    const kill = async () => {
      await service.stop("SIGKILL");
      service = await startService(runtime, { env });
    };
    return { name: runtime.name, url: service.url, kill };
  });
}

/** The network fails, and three processes over one Redis are killed in turn. */
export function clientClusterChaosSuite(runtime: RuntimeUnderTest, suite: ClientChaosSuite): void {
  const title = `three processes on ${runtime.name} that are killed`;
  if (NO_REDIS !== undefined) {
    describe.skip(`${title} (skipped: ${NO_REDIS})`, () => it("is not tested", () => {}));
    return;
  }
  chaosOf(title, suite, async (ends) => {
    const redis = await startRedis({ isDurable: true });
    const cluster = await startCluster(runtime, { redisURL: redis.url, env: ENV });
    ends.push(() => redis.stop());
    ends.push(() => cluster.stop());
    let next = 0;
    const kill = () => cluster.killAndRestart(next++ % cluster.services.length);
    return { name: title, url: cluster.url, kill };
  });
}

function chaosOf(
  title: string,
  { strikes: defaultStrikes, clients: defaultClients, longestStall = 2000 }: ClientChaosSuite,
  start: (ends: (() => unknown)[]) => Promise<ClientChaosTarget>,
): void {
  const strikes = Number(process.env.STRIKES ?? defaultStrikes);
  const clients = Number(process.env.CHAOS_CLIENTS ?? defaultClients);
  describe(`clients of ${title}, over a network that fails`, () => {
    const ends: (() => unknown)[] = [];
    afterEach(async () => {
      closeClients();
      for (const end of ends.splice(0).toReversed()) await end();
    });

    it(
      `miss, repeat and reorder nothing in ${strikes} faults, while subscriptions and tokens change`,
      async () => {
        onTestFailed(() => console.log(`client chaos of ${title}: seed ${SEED}`));
        const target = await start(ends);
        const options: ClientChaosOptions = { target, clients, strikes, seed: SEED, longestStall };
        const { described, struck, ...result } = await runClientChaos(options);
        const figures = Object.entries(result).map(([name, count]) => `${name} ${count}`);
        console.log(
          `client chaos of ${title}: seed ${SEED}, ${clients} clients, ${figures.join(", ")}, ${JSON.stringify(struck)}`,
        );
        expect(described).toEqual([]);
        expect(result).toMatchObject({ lost: 0, doubled: 0, disordered: 0, gaps: 0 });
        // A run without a cut proves nothing.
        expect(result.cuts).toBeGreaterThan(clients);
        expect(result.tokens).toBeGreaterThan(clients / 2);
      },
      strikes * (longestStall + 12_000) + 240_000,
    );
  });
}
