import { afterEach, beforeEach, describe, it, vi } from "vitest";
import { createMemoryLog } from "../../../../src/log/memory.ts";
import { RealtimeManager } from "../../../../src/realtime/manager.ts";
import { TopicRules } from "../../../../src/realtime/topic-rules.ts";
import { createInProcessRegistry } from "../../../../src/registry/in-process/registry.ts";
import { checkPresence, type PresenceSubject } from "../../../suites/presence-model.ts";
import { NO_FAKE_TIME } from "../../../support/fake-time.ts";
import { leftOut } from "../../../support/flags.ts";

const RUNS = Number(process.env.PRESENCE_RUNS ?? 100);

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

describe.skipIf(NO_FAKE_TIME)(
  leftOut("presence in one process, over random steps", NO_FAKE_TIME),
  () => {
    it.each([5000, 0])(
      "subscribers rebuild the true members, with a grace of %i ms",
      async (grace) => {
        await checkPresence(
          async () => subjectOf(grace),
          (subject) => subject.registry().close(),
          { numRuns: RUNS },
        );
      },
    );
  },
);

function subjectOf(grace: number): PresenceSubject {
  const topics = new TopicRules([{ match: "chat/*", presence: true }]);
  const registry = createInProcessRegistry({
    manager: new RealtimeManager({ presence: { topics, grace }, checkAddress: false }),
    log: createMemoryLog({ now: Date.now, history: { messages: 30 } }),
  });
  return {
    sources: 1,
    grace,
    now: Date.now,
    open: (_, request) => registry.open(request),
    registry: () => registry,
    pass: async (time) => void (await vi.advanceTimersByTimeAsync(time)),
  };
}
