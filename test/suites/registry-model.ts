import fc from "fast-check";
import { it } from "vitest";
import type { ClientRegistry } from "../../src/registry/registry.ts";
import { ModelRun, type Subject } from "./registry-model/run.ts";
import { anySteps } from "./registry-model/steps.ts";

export type { Subject } from "./registry-model/run.ts";

export interface ModelOptions {
  /** Opens an empty registry under test; the property closes it. */
  readonly subject: () => Subject;
  /** Opens an empty reference registry: one shard that is never evicted. */
  readonly reference: () => ClientRegistry;
  readonly runs: number;
  /**
   * Milliseconds for all runs. Much longer than runs without a failure, and shorter than the test's timeout, so that a failure
   * which fast-check is still shrinking is printed with its seed.
   */
  readonly timeLimit: number;
}

/** Random operations in random order: no client sees a difference between the subject and the reference. */
export function registryModel(name: string, options: ModelOptions): void {
  const { subject, reference, runs, timeLimit } = options;
  it(`${name} gives every client the same as the reference, for random operations in random order`, async () => {
    const property = fc.asyncProperty(anySteps, async (steps) => {
      const run = new ModelRun(subject(), reference());
      try {
        for (const step of steps) await run.take(step);
        await run.compare();
        await run.end();
      } finally {
        await run.close();
      }
    });
    await fc.assert(property, {
      numRuns: runs,
      interruptAfterTimeLimit: timeLimit,
      markInterruptAsFailure: true,
    });
  });
}
