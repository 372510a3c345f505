import fc from "fast-check";
import { it } from "vitest";
import { type Resumable, ResumeRun } from "./resume-model/run.ts";
import { anyHistory, anyResumes } from "./resume-model/steps.ts";

export type { Resumable } from "./resume-model/run.ts";

export interface ResumeModelOptions {
  /** Opens an empty registry with a log that keeps `history` messages. The property closes it. */
  readonly subject: (history: number | undefined) => Resumable;
  readonly runs: number;
  /** Milliseconds for all runs, as in `registryModel`. */
  readonly timeLimit: number;
}

/**
 * Streams break off at random bytes during random operations. Clients miss or repeat only what PB_RESUME reports as unrecovered.
 */
export function resumeModel(name: string, options: ResumeModelOptions): void {
  const { subject, runs, timeLimit } = options;
  it(`${name} gives every client all of its keys' messages once, in order, over all its streams`, async () => {
    const property = fc.asyncProperty(anyHistory, anyResumes, async (history, steps) => {
      const run = new ResumeRun(subject(history), history);
      try {
        for (const step of steps) await run.take(step);
        await run.compare();
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
