import { afterEach } from "vitest";
import { DEFAULT_HISTORY, type MessageLog } from "../../src/log/log.ts";
import { openLog } from "../../src/runtimes/process/data-log.ts";
import { logSuite } from "../suites/log.ts";
import {
  describeLibraries,
  removeFoldersAfterEach,
  temporaryFolder,
} from "../support/sqlite-libraries.ts";

describeLibraries("a log on disk", (open) => {
  const opened: MessageLog[] = [];
  removeFoldersAfterEach();
  // Some tests read a closed log, so it is released after the test.
  afterEach(async () => {
    for (const log of opened.splice(0)) await log.release?.();
  });

  logSuite("SQLite in a folder", ({ history, ...rest }) => {
    const options = { ...rest, history: { ...DEFAULT_HISTORY, ...history } };
    const log = openLog(temporaryFolder(), open, options);
    opened.push(log);
    return log;
  });
});
