import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readConfig, VARIABLES } from "../../src/config/config.ts";
import { environmentOf, readUnit, settingOf } from "../support/deploy/unit-file.ts";

const text = readFileSync(
  new URL("../../deploy/systemd/pocketwire.service", import.meta.url),
  "utf8",
);
const service = readUnit(text).get("Service");
const folder = mkdtempSync(join(tmpdir(), "pocketwire-unit-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const analyze = (...words: string[]) => spawnSync("systemd-analyze", words, { encoding: "utf8" });
const version = Number(/^systemd (\d+)/.exec(analyze("--version").stdout ?? "")?.[1] ?? 0);
// `security --offline` is new in systemd 250.
const isThere = version >= 250;
const why = isThere ? "" : " (skipped: it needs systemd-analyze 250 or newer)";

/** The unit with the Node of this test, because `verify` looks for the program. */
function write(change: (unit: string) => string): string {
  const path = join(folder, "pocketwire.service");
  writeFileSync(path, change(text.replace("/usr/bin/node", process.execPath)));
  return path;
}

describe("deploy/systemd/pocketwire.service", () => {
  it("sets variables that exist, to values that the service accepts", () => {
    const environment = environmentOf(service);
    const names = Object.keys(environment).filter((name) => name !== "NODE_ENV");
    expect(names.filter((name) => !VARIABLES.includes(name))).toEqual([]);
    const config = readConfig(environment);
    expect(config.data).toBe(`/var/lib/${settingOf(service, "StateDirectory")}`);
  });

  it("gives the service time for its drain, and a file for each client", () => {
    const config = readConfig(environmentOf(service));
    expect(Number(settingOf(service, "TimeoutStopSec"))).toBeGreaterThanOrEqual(
      Number(environmentOf(service).REALTIME_DRAIN_SECONDS) + 5,
    );
    expect(Number(settingOf(service, "LimitNOFILE"))).toBeGreaterThan(
      (config.maxClients ?? 0) + 64,
    );
  });

  it.skipIf(!isThere)(`is a unit that systemd accepts${why}`, () => {
    const { status, stderr } = analyze("verify", write(String));
    expect([status, stderr.split("\n").filter((line) => line.includes("pocketwire"))]).toEqual([
      0,
      [],
    ]);
  });

  it.skipIf(!isThere)(`leaves an exposure of at most 1.5 of 10${why}`, () => {
    const check = ["security", "--offline=true", "--threshold=15"];
    expect(analyze(...check, write(String)).status).toBe(0);
    const open = (unit: string) => unit.replaceAll(/^(Protect|Private|Restrict)\w+=.*$/gm, "");
    expect(analyze(...check, write(open)).status).not.toBe(0);
  });

  it.skipIf(!isThere)(`has no misspelled key${why}`, () => {
    const { stderr } = analyze(
      "verify",
      write((unit) => unit.replace("UMask=", "UMaks=")),
    );
    expect(stderr).toContain("UMaks");
  });
});
