import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openLog } from "../../src/runtimes/process/data-log.ts";
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
