import { DEFAULT_HISTORY } from "../../src/log/log.ts";
import { RealtimeManager } from "../../src/realtime/manager.ts";
import { createInProcessRegistry } from "../../src/registry/in-process/registry.ts";
import { openLog } from "../../src/runtimes/process/data-log.ts";
import { AUTH_GRACE, PRESENCE, registrySuite } from "../suites/registry.ts";
import {
  describeLibraries,
  removeFoldersAfterEach,
  temporaryFolder,
} from "../support/sqlite-libraries.ts";

describeLibraries("a registry with a log on disk", (open) => {
  removeFoldersAfterEach();

  registrySuite(
    "in-process over a log on disk",
    () =>
      createInProcessRegistry({
        manager: new RealtimeManager({ authGrace: AUTH_GRACE, presence: PRESENCE }),
        log: openLog(temporaryFolder(), open, { history: DEFAULT_HISTORY }),
      }),
    { findsByTopic: "the log has an index of topics" },
  );
});
