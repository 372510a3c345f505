import fc from "fast-check";
import { describe, it } from "vitest";
import { KeptReplayRun } from "../suites/kept-replay-model/run.ts";
import { anyFirstKeys, anyHistory, anySteps } from "../suites/kept-replay-model/steps.ts";

describe("a replay with messages that topic rules keep", () => {
  it("gives each key its newest messages and all later ones once, in order, or tells the loss", async () => {
    const property = fc.asyncProperty(
      anyHistory,
      anyFirstKeys,
      anySteps,
      async (history, keys, steps) => {
        const run = new KeptReplayRun(history, keys);
        try {
          for (const step of steps) await run.take(step);
          await run.compare();
        } finally {
          run.close();
        }
      },
    );
    await fc.assert(property, {
      numRuns: 200,
      interruptAfterTimeLimit: 50_000,
      markInterruptAsFailure: true,
    });
  });
});
