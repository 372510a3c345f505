import { describe } from "vitest";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { RealtimeManager } from "../../../src/realtime/manager.ts";
import { createInProcessRegistry } from "../../../src/registry/in-process/registry.ts";
import { registryModel, type Subject } from "../../suites/registry-model.ts";
import { HubsUnderTest } from "../../workerd/hubs.ts";

function open(shards: number): Subject {
  const hubs = new HubsUnderTest(shards);
  return {
    registry: hubs.registry,
    shards,
    open: (shard, peer) => hubs.open(shard, peer),
    evict: (shard) => hubs.evict(shard),
    traces: () => hubs.traces(),
  };
}

const reference = () =>
  createInProcessRegistry({ manager: new RealtimeManager(), log: createMemoryLog() });

describe("ClientRegistry: Durable Objects that are evicted, compared with the in-process registry", () => {
  const timeLimit = 50_000;
  registryModel("one shard", { subject: () => open(1), reference, runs: 40, timeLimit });
  registryModel("each of three shards", { subject: () => open(3), reference, runs: 25, timeLimit });
});
