import { afterAll, beforeAll, describe, expect, it, onTestFailed } from "vitest";
import { readStats, type Stats } from "../support/api.ts";
import { type ChaosOptions, chaosLine, runChaos } from "../support/chaos.ts";
import { closeClients } from "../support/clients.ts";
import { eventually } from "../support/deadline.ts";
import { type RuntimeUnderTest, type Service, startService } from "../support/service.ts";

export interface ChaosSuiteOptions {
  /** Whether the runtime evicts an idle hub. The run then has gaps that are long enough for an eviction. */
  readonly evicts?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** `CHAOS_CLIENTS`, `CHAOS_SECONDS` and `CHAOS_SEED` set the size of the run. `npm run chaos` is the long form. */
const CLIENTS = Number(process.env.CHAOS_CLIENTS ?? 40);
const SECONDS = Number(process.env.CHAOS_SECONDS ?? 6);
const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
const GAPS = SECONDS > 10 ? 2 : 1;
/** Time for connecting, catching up and the gaps, in addition to the publishing. */
const REST_MILLISECONDS = 180_000;
/** Longer than the stale check of the runtime that evicts takes. */
const STANDS_STILL = 8000;

export function chaosSuite(runtime: RuntimeUnderTest, suite: ChaosSuiteOptions = {}): void {
  describe(`${CLIENTS} clients on ${runtime.name} with connections that are cut at any byte`, () => {
    let service: Service;
    beforeAll(async () => {
      service = await startService(runtime, { env: { LOG_LEVEL: "info", ...suite.env } });
    });
    afterAll(async () => {
      closeClients();
      await service.stop();
    });

    it(
      "receive every message once for each key, in order",
      async () => {
        onTestFailed(() => console.log(`chaos on ${runtime.name}: seed ${SEED}`));
        const evictions = watchEvictions(service);
        const gaps = suite.evicts === true ? GAPS : 0;
        const { url } = service;
        const options: ChaosOptions = {
          url,
          clients: CLIENTS,
          seconds: SECONDS,
          seed: SEED,
          gaps,
          onGap: evictions.onGap,
        };
        const result = await runChaos(options);
        console.log(chaosLine(runtime.name, options, result));
        expect(result.faults).toEqual([]);
        expect(result).toMatchObject({ lost: 0, doubled: 0, disordered: 0, strange: 0 });
        expect(result.unrecovered).toBe(0);
        // A run without a disconnect or without a replay proves nothing.
        expect(result.kills.random).toBeGreaterThan(CLIENTS);
        expect(result.kills.budget).toBeGreaterThan(0);
        expect(result.recovered).toBeGreaterThan(0);
        expect(result.replayed).toBeGreaterThan(0);
        expect(evictions.count()).toBe(gaps);
      },
      SECONDS * 1000 + REST_MILLISECONDS,
    );
  });
}

/**
 * Counts the gaps in which the hub was evicted. A request for its start time wakes the hub, so there is one request before and
 * one after each gap.
 */
function watchEvictions({ url }: Service) {
  let count = 0;
  let startedAt = "";
  return {
    count: () => count,
    onGap: async (when: "before" | "after") => {
      if (when === "after") {
        if ((await readStats(url)).startedAt > startedAt) count += 1;
        return;
      }
      startedAt = (await whenSettled(url)).startedAt;
    },
  };
}

/**
 * The stats after all cut clients are removed: removing one later would wake the hub in the gap. The proxy of `wrangler dev`
 * keeps some clients that were cut before the response head arrived. These do not wake the hub, so a constant number of clients
 * is enough.
 */
async function whenSettled(url: string): Promise<Stats> {
  let last = -1;
  let since = Date.now();
  const settled = await eventually(async () => {
    const stats = await readStats(url);
    if (stats.clients !== last) since = Date.now();
    last = stats.clients;
    if (last === CLIENTS) return stats;
    return last > CLIENTS && Date.now() - since > STANDS_STILL && stats;
  }, `there are ${CLIENTS} clients or a few more`);
  if (settled.clients > CLIENTS) console.log(`${settled.clients - CLIENTS} cut clients are kept`);
  return settled;
}
