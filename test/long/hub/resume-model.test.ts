import { describe } from "vitest";
import { type Resumable, resumeModel } from "../../suites/resume-model.ts";
import { HubsUnderTest } from "../../workerd/hubs.ts";

function open(shards: number, history: number | undefined): Resumable {
  const hubs = new HubsUnderTest(shards, history);
  return {
    registry: hubs.registry,
    shards,
    open: (shard, request) => hubs.open(shard, request),
    evict: (shard) => hubs.evict(shard),
  };
}

describe("resuming: Durable Objects that are evicted", () => {
  for (const shards of [1, 3]) {
    resumeModel(shards === 1 ? "one shard" : "each of three shards", {
      subject: (history) => open(shards, history),
      runs: shards === 1 ? 40 : 25,
      timeLimit: 50_000,
    });
  }
});
