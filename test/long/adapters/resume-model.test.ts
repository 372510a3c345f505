import { describe } from "vitest";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { RealtimeManager } from "../../../src/realtime/manager.ts";
import { createInProcessRegistry } from "../../../src/registry/in-process/registry.ts";
import { type Resumable, resumeModel } from "../../suites/resume-model.ts";
import { publishingAtOnce } from "../../support/publishing-at-once.ts";

function open(messages: number | undefined, sliceCost?: number): Resumable {
  const restart = () => {
    const log = createMemoryLog({ history: messages === undefined ? {} : { messages } });
    const registry = createInProcessRegistry({ manager: new RealtimeManager({}, sliceCost), log });
    // With slow deliveries, the next step starts before they have ended.
    return sliceCost === undefined ? registry : publishingAtOnce(registry, log);
  };
  let registry = restart();
  return {
    registry,
    shards: 1,
    open: (_, request) => registry.open(request),
    restart: () => {
      registry = restart();
      return registry;
    },
  };
}

describe("resuming: in-process", () => {
  resumeModel("the registry", {
    subject: (history) => open(history),
    runs: 250,
    timeLimit: 50_000,
  });
  resumeModel("the registry that yields after each client", {
    subject: (history) => open(history, 0),
    runs: 250,
    timeLimit: 50_000,
  });
});
