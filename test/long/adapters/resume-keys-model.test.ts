import fc from "fast-check";
import { describe, it } from "vitest";
import { KeysRun } from "../../suites/resume-keys-model/run.ts";
import { anyHistory, anySteps } from "../../suites/resume-keys-model/steps.ts";

/**
 * Narrower than the model of `resume-model.test.ts`: one client with keys that match the same messages. The model adds and
 * removes keys during a replay, and cuts the stream between any two blocks.
 */
describe("resuming while keys are added and removed", () => {
  for (const [how, sliceCost] of [
    ["", undefined],
    [", with deliveries that yield after each client", 0],
  ] as const) {
    it(`gives every key its messages once and in order since it was added${how}`, async () => {
      const anyEnvelope = fc.boolean();
      const property = fc.asyncProperty(anyHistory, anyEnvelope, anySteps, async (...values) => {
        const [history, envelope, steps] = values;
        const run = new KeysRun(history, envelope, sliceCost);
        try {
          for (const step of steps) await run.take(step);
          await run.compare();
        } finally {
          run.close();
        }
      });
      await fc.assert(property, {
        numRuns: 300,
        interruptAfterTimeLimit: 50_000,
        markInterruptAsFailure: true,
      });
    });
  }
});
