/** Random subscriptions, cuts and failed requests against the real service, without sockets. */
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, it } from "vitest";
import { ClientModelRun } from "../../support/client-model/run.ts";
import { steps } from "../../support/client-model/steps.ts";
import { closeClients } from "../../support/clients.ts";
import { quickenTimers } from "../../support/quick-timers.ts";

const RUNS = Number(process.env.CLIENT_MODEL_RUNS ?? 60);

describe("a client over a network that fails", () => {
  let slowDown = () => {};
  beforeAll(() => {
    slowDown = quickenTimers(50);
  });
  afterEach(closeClients);
  afterAll(() => slowDown());

  it(`gives each subscription every message since its beginning once and in order, in ${RUNS} runs`, async () => {
    const total = { messages: 0, received: 0, cuts: 0, lostPosts: 0, streams: 0 };
    const property = fc.asyncProperty(steps, async (list) => {
      const run = new ClientModelRun();
      try {
        for (const step of list) await run.take(step);
        await run.finish();
        for (const name of Object.keys(total) as (keyof typeof total)[]) {
          total[name] += run.counts[name];
        }
      } finally {
        await run.close();
      }
    });
    await fc.assert(property, { numRuns: RUNS });
    console.info("The client over a failing network:", JSON.stringify(total));
  }, 300_000);
});
