import { openLog } from "../../src/runtimes/process/data-log.ts";
import { logSuite } from "../suites/log.ts";
import {
  describeLibraries,
  removeFoldersAfterEach,
  temporaryFolder,
} from "../support/sqlite-libraries.ts";

describeLibraries("a log on disk", (open) => {
  removeFoldersAfterEach();

  logSuite("SQLite in a folder", ({ history, now }) => {
    const log = openLog(temporaryFolder(), open, { history, now });
    return {
      keepsHistory: log.keepsHistory,
      append: (messages) => log.append(messages),
      tail: (listener) => log.tail(listener),
      cursor: () => log.cursor(),
      read: (...all) => log.read(...all),
      readBack: (...all) => log.readBack(...all),
      stats: () => log.stats(),
      close: async () => {
        await log.close();
        await log.release?.();
      },
    };
  });
});
