import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SqliteLog } from "../../src/log/sqlite.ts";
import { openLog } from "../../src/runtimes/process/data-log.ts";
import { leftOut } from "../support/flags.ts";
import { NO_SQL_JS, SqlJsDatabase } from "../support/sql-js-database.ts";
import {
  describeLibraries,
  removeFoldersAfterEach,
  temporaryFolder,
} from "../support/sqlite-libraries.ts";

removeFoldersAfterEach();

describeLibraries("a log on disk", (open) => {
  it("has no byte of an erased message in its file after a stop, whatever the size of the message", async () => {
    const folder = temporaryFolder();
    const file = () => readFileSync(join(folder, "pocketwire.sqlite"), "latin1");
    const first = openLog(folder, open);
    const messages = [10, 1000, 9000, 100_000].map((size) => ({
      id: `m${size}`,
      topics: ["users/7"],
      data: JSON.stringify(`${"secret ".repeat(size / 5)}`),
      private: false,
    }));
    await first.append(messages);
    await first.release?.();
    expect(file()).toContain("secret");
    const second = openLog(folder, open);
    expect(await second.erase("users/7")).toBe(messages.length);
    await second.release?.();
    expect(file()).not.toContain("secret");
  });
});

describe.skipIf(NO_SQL_JS !== undefined)(leftOut("a SQLite log", NO_SQL_JS), () => {
  it("erases few messages in one step if they are large", async () => {
    const database = await SqlJsDatabase.create();
    const log = new SqliteLog({ database });
    const data = JSON.stringify("x".repeat(1_048_576));
    const messages = Array.from({ length: 25 }, (_, n) => {
      return { id: `m${n}`, topics: ["a"], data, private: false };
    });
    log.append(messages);
    const counts: number[] = [];
    let state = log.eraseStep("a");
    for (; !state.isDone; state = log.eraseStep("a", state)) counts.push(state.erased);
    expect(counts).toEqual([10, 20]);
    expect(state.erased).toBe(25);
    expect(log.stats()).toMatchObject({ messages: 0, bytes: 0 });
    database.close();
  });
});
