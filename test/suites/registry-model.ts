import fc from "fast-check";
import { it } from "vitest";
import type { ClientRegistry } from "../../src/registry/registry.ts";
import { ModelRun, type Subject } from "./registry-model/run.ts";
import { anySteps } from "./registry-model/steps.ts";

export type { Subject } from "./registry-model/run.ts";

export interface ModelOptions {
  /** Opens an empty registry under test; the property closes it. */
  readonly subject: () => Subject;
  /** Opens an empty registry to measure it by: one shard, which forgets nothing. */
  readonly reference: () => ClientRegistry;
  readonly runs: number;
  /**
   * Milliseconds for all runs, far more than they take when all is well, and less than the test has: a
   * failure is still being made smaller by then, and what is printed has the seed.
   */
  readonly timeLimit: number;
}

/** Whatever happens, in whatever order: no client sees a difference between the subject and the reference. */
export function registryModel(name: string, options: ModelOptions): void {
  const { subject, reference, runs, timeLimit } = options;
  it(`${name} gives every client what the reference gives it, whatever happens in whatever order`, async () => {
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
