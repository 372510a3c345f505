import { createMemoryLog } from "../../../src/log/memory.ts";
import { RealtimeManager } from "../../../src/realtime/manager.ts";
import { createInProcessRegistry } from "../../../src/registry/in-process/registry.ts";
import { registryLongSuite } from "../../suites/registry.ts";

registryLongSuite("in-process over a memory log", () =>
  createInProcessRegistry({ manager: new RealtimeManager(), log: createMemoryLog() }),
);
