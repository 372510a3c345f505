import fc from "fast-check";
import { PresenceRun, type PresenceSubject } from "./presence-model/run.ts";
import { steps } from "./presence-model/steps.ts";

export type { PresenceSubject } from "./presence-model/run.ts";

/**
 * Takes random steps and compares what every subscriber of a presence topic has rebuilt from its events with a plain model, and
 * fails if a client without the right has received an event.
 *
 * @param open Opens a subject without clients.
 * @param close Ends it, also after a failure.
 */
export async function checkPresence<Subject extends PresenceSubject>(
  open: () => Promise<Subject>,
  close: (subject: Subject) => Promise<void>,
  parameters: fc.Parameters<[unknown]> = {},
): Promise<void> {
  const property = fc.asyncProperty(steps, async (list) => {
    const subject = await open();
    try {
      const run = new PresenceRun(subject);
      for (const step of list) await run.take(step);
      await run.compare();
    } finally {
      await close(subject);
    }
  });
  await fc.assert(property, parameters as object);
}
