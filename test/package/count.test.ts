import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const program = fileURLToPath(new URL("../../.ci/count.mjs", import.meta.url));
const NAMES = "test long bun browser proxies deploy release soak readme".split(" ");

function reportOf(failed: number): string {
  return JSON.stringify({
    numPassedTests: 5,
    numFailedTests: failed,
    numPendingTests: 1,
    numFailedTestSuites: 0,
    testResults: [],
  });
}

describe(".ci/count.mjs", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pocketwire-count-"));
    for (const name of NAMES) writeFileSync(join(folder, `${name}.json`), reportOf(0));
    writeFileSync(join(folder, "bun.xml"), '<testsuites tests="3" failures="0" skipped="1">');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** The exit status and the last line. */
  function count(failedSteps: number): [number | null, string | undefined] {
    const words = [program, folder, String(failedSteps)];
    const { status, stdout } = spawnSync(process.execPath, words, { encoding: "utf8" });
    return [status, stdout.trim().split("\n").at(-1)];
  }

  it("adds up the reports", () => {
    expect(count(0)).toEqual([0, "47 passed, 0 failed, 10 skipped"]);
  });

  it("counts a failed step without a failed test", () => {
    expect(count(2)).toEqual([1, "47 passed, 2 failed, 10 skipped"]);
  });

  it.each(NAMES)("counts a failure in %s.json, and its absence", (name) => {
    writeFileSync(join(folder, `${name}.json`), reportOf(1));
    expect(count(1)).toEqual([1, "47 passed, 1 failed, 10 skipped"]);
    rmSync(join(folder, `${name}.json`));
    expect(count(0)).toEqual([1, "42 passed, 1 failed, 9 skipped"]);
  });

  it("counts a report of which only a part was written", () => {
    writeFileSync(join(folder, "soak.json"), reportOf(0).slice(0, 40));
    expect(count(1)).toEqual([1, "42 passed, 1 failed, 9 skipped"]);
  });
});
