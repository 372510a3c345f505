import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from "vitest";
import { publish, readStats } from "../support/api.ts";
import { type ChaosClient, openChaosClient } from "../support/chaos-client.ts";
import { closeClients } from "../support/clients.ts";
import { eventually } from "../support/deadline.ts";
import { freePort } from "../support/free-port.mjs";
import { killChaosLine, runKillChaos, startKilledService } from "../support/kill-chaos.ts";
import { seededRandom } from "../support/random.ts";
import { type RuntimeUnderTest, type Service, startService } from "../support/service.ts";

/** `KILLS` and `CHAOS_SEED` set the size of the run and repeat its choices. */
const KILLS = Number(process.env.KILLS ?? 12);
const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
const CLIENTS = 200;

/** A service with `REALTIME_DATA` that is killed while messages arrive. */
export function dataChaosSuite(runtime: RuntimeUnderTest): void {
  describe(`a service on ${runtime.name} with a data folder that is killed with SIGKILL`, () => {
    let env: Record<string, string>;
    let folder: string;
    const services: Service[] = [];
    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), "pocketwire-data-"));
      env = { REALTIME_DATA: folder, PORT: await freePort(), LOG_LEVEL: "info" };
    });
    afterEach(async () => {
      closeClients();
      for (const service of services.splice(0)) await service.stop("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    });

    it(
      `${KILLS} times under load delivers every acknowledged message once for each key, in order`,
      async () => {
        onTestFailed(() => console.log(`kills of ${runtime.name}: seed ${SEED}`));
        const target = await startKilledService(runtime, env);
        const options = { target, publishers: 4, clients: 10, kills: KILLS, seed: SEED };
        const result = await runKillChaos(options);
        console.log(killChaosLine(options, result));
        expect(result.faults).toEqual([]);
        expect(result).toMatchObject({ lost: 0, doubled: 0, disordered: 0, strange: 0 });
        expect(result.unrecovered).toBe(0);
        // A run in which no request failed, or in which no client resumed, proves nothing.
        expect(result.retries).toBeGreaterThan(0);
        expect(result.duplicates).toBeGreaterThan(0);
        expect(result.recovered).toBeGreaterThanOrEqual(KILLS);
        expect(result.replayed).toBeGreaterThan(0);
      },
      KILLS * 10_000 + 120_000,
    );

    it(`resumes all of ${CLIENTS} clients`, async () => {
      const random = seededRandom(SEED);
      const before = await startService(runtime, { env });
      services.push(before);
      const clients: ChaosClient[] = Array.from({ length: CLIENTS }, (_, index) =>
        openChaosClient(before.url, `client ${index}`, ["chat", `own/${index}`], random),
      );
      const all = (isTrue: (client: ChaosClient) => boolean, label: string) =>
        eventually(() => clients.every(isTrue), label, 60_000);
      await all((client) => client.isConnected(), "all clients connect");
      const say = async (url: string, n: number) => {
        const messages = ["chat", ...clients.map((_, index) => `own/${index}`)];
        const body = messages.map((topic) => ({ topic, data: { n, padding: "" } }));
        expect((await publish(url, body)).status).toBe(200);
      };
      await say(before.url, 0);
      await all((client) => client.received.length === 2, "all clients have two messages");
      await before.stop("SIGKILL");
      const after = await startService(runtime, { env });
      services.push(after);
      await say(after.url, 1);
      await all((client) => client.received.length === 4, "all clients have four messages");
      expect(clients.map(({ counts }) => counts.unrecovered)).toEqual(clients.map(() => 0));
      expect(clients.map(({ counts }) => counts.recovered)).toEqual(clients.map(() => 1));
      expect(await readStats(after.url)).toMatchObject({ recovered: CLIENTS, unrecovered: 0 });
    }, 180_000);
  });
}
