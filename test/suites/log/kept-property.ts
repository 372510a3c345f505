import fc from "fast-check";
import { afterEach, describe, it } from "vitest";
import { type LogFlags, LogOpener, type OpenLog } from "./context.ts";
import { KeptRun } from "./kept-model/run.ts";
import { anySettings, anyStep } from "./kept-model/steps.ts";

/** Compares a log that has topic rules with lists. */
export function keptPropertyTests(openLog: OpenLog, flags: LogFlags): void {
  const opener = new LogOpener(openLog);
  afterEach(() => opener.closeAll());

  describe("any sequence of appends, reads, waits and erasures, with topic rules", () => {
    it("leaves the messages that lists have", async () => {
      const runs = anySettings.chain((settings) =>
        fc.record({
          settings: fc.constant(settings),
          steps: fc.array(anyStep(settings), { maxLength: 40, size: "max" }),
        }),
      );
      await fc.assert(
        fc.asyncProperty(runs, async ({ settings, steps }) => {
          const { history, kept, rules } = settings;
          const subject = await opener.openWithClock({ history, kept, topics: rules });
          const run = new KeptRun(settings, subject);
          for (const step of steps) await run.take(step);
          await run.compare();
          await opener.closeAll();
        }),
        { numRuns: flags.fewerRuns?.runs ?? 100 },
      );
    });
  });
}
