import { afterEach, beforeEach, describe, it, vi } from "vitest";
import { TopicRules } from "../../../../src/realtime/topic-rules.ts";
import { checkPresence, type PresenceSubject } from "../../../suites/presence-model.ts";
import { NO_FAKE_TIME } from "../../../support/fake-time.ts";
import { leftOut } from "../../../support/flags.ts";
import { openCluster } from "../../../support/memory-cluster.ts";

const RUNS = Number(process.env.PRESENCE_RUNS ?? 60);
const GRACE = 5000;
const PROCESSES = 3;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Three processes in memory, and what ends them. */
interface ClusterSubject extends PresenceSubject {
  close(): Promise<void>;
}

describe.skipIf(NO_FAKE_TIME)(
  leftOut("presence over three processes, over random steps", NO_FAKE_TIME),
  () => {
    it("subscribers rebuild the true members", async () => {
      await checkPresence(openSubject, (subject) => subject.close(), { numRuns: RUNS });
    }, 120_000);
  },
);

async function openSubject(): Promise<ClusterSubject> {
  const topics = new TopicRules([{ match: "chat/*", presence: true }]);
  const cluster = openCluster({ size: PROCESSES, presence: { topics, grace: GRACE } });
  let turn = 0;
  const registryAt = (index: number) => {
    const registry = cluster.processes[index % PROCESSES]?.registry;
    if (registry === undefined) throw new Error("The cluster has no processes.");
    return registry;
  };
  return {
    sources: PROCESSES,
    grace: GRACE,
    now: Date.now,
    open: (source, request) => registryAt(source).open(request),
    // Every request goes to the next process, as behind a load balancer.
    registry: () => {
      turn += 1;
      return registryAt(turn);
    },
    pass: async (time) => void (await vi.advanceTimersByTimeAsync(time)),
    settle: async () => void (await vi.advanceTimersByTimeAsync(3 * GRACE)),
    close: async () => {
      const closed = cluster.close();
      await vi.advanceTimersByTimeAsync(10_000);
      await closed;
    },
  };
}
