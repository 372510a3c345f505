import { createMemoryLog } from "../../src/log/memory.ts";
import { RealtimeManager } from "../../src/realtime/manager.ts";
import { createInProcessRegistry } from "../../src/registry/in-process/registry.ts";
import { AUTH_GRACE, PRESENCE, registrySuite } from "../suites/registry.ts";

registrySuite("in-process over a memory log", () =>
  createInProcessRegistry({
    manager: new RealtimeManager({ authGrace: AUTH_GRACE, presence: PRESENCE }),
    log: createMemoryLog(),
  }),
);
