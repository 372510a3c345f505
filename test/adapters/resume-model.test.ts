import { describe } from "vitest";
import { createMemoryLog } from "../../src/log/memory.ts";
import { RealtimeManager } from "../../src/realtime/manager.ts";
import { createInProcessRegistry } from "../../src/registry/in-process.ts";
import { type Resumable, resumeModel } from "../suites/resume-model.ts";

function open(messages: number | undefined): Resumable {
  const restart = () => {
    const log = createMemoryLog({ history: messages === undefined ? {} : { messages } });
    return createInProcessRegistry({ manager: new RealtimeManager(), log });
  };
  let registry = restart();
  return {
    registry,
    shards: 1,
    open: (_, topics) => registry.open({ topics }),
    restart: () => {
      registry = restart();
      return registry;
    },
  };
}

describe("resuming: in-process", () => {
  resumeModel("it", { subject: open, runs: 250, timeLimit: 20_000 });
});
