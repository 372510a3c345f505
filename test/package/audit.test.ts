import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "pocketwire-audit-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs CI's check with an npm that gives this answer. */
function audit(stdout: string, exit: number, stderr = "") {
  writeFileSync(join(folder, "stdout"), stdout);
  writeFileSync(join(folder, "stderr"), stderr);
  const script = `#!/bin/sh\ncat "${folder}/stdout"; cat "${folder}/stderr" >&2; exit ${exit}\n`;
  writeFileSync(join(folder, "npm"), script, { mode: 0o755 });
  const PATH = [folder, dirname(process.execPath), process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH };
  return spawnSync(process.execPath, [".ci/audit.mjs"], { encoding: "utf8", env });
}

const report = (counts: object) => JSON.stringify({ metadata: { vulnerabilities: counts } });

describe.skipIf(process.platform === "win32")("the check for known vulnerabilities", () => {
  it("fails for vulnerabilities of high or critical severity, and passes for lower ones", () => {
    for (const counts of [{ high: 1 }, { critical: 2, low: 1 }]) {
      const { status, stdout } = audit(report(counts), 1);
      expect([counts, status]).toEqual([counts, 1]);
      expect(stdout).toContain("npm audit --omit=dev");
    }
    expect(audit(report({ moderate: 3, high: 0, critical: 0 }), 1).status).toBe(0);
    expect(audit(report({}), 0).stdout).toContain("0 critical, 0 high, 0 lesser");
  });

  it("passes with a note when the registry does not answer", () => {
    const refused = JSON.stringify({ message: "405 Method Not Allowed", error: { summary: "" } });
    for (const [stdout, stderr] of [
      [refused, "npm warn audit 405 Method Not Allowed\n"],
      ["", "npm error code ENOTFOUND\n"],
      ["<html>", ""],
    ] as const) {
      const answer = audit(stdout, 1, stderr);
      expect(answer.status).toBe(0);
      expect(answer.stdout).toContain("NOT CHECKED");
      expect(answer.stdout).toContain(stderr.trim());
    }
  });
});
