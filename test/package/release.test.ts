import { describe, expect, it } from "vitest";
import { checkAgreement } from "../../scripts/release/agreement.mjs";
import { findUnpublishable } from "../../scripts/release/contents.mjs";

const READY = {
  version: "1.2.3",
  lockVersions: ["1.2.3", "1.2.3"],
  sourceVersion: "1.2.3",
  changelog: "# Changelog\n\n## Unreleased\n\n## 1.2.3 - 2026-12-01\n\n- A line.\n",
  tags: ["v1.2.3"],
  changed: [],
};

describe("the check of a release's version", () => {
  it("accepts a commit where package.json, the lock file, the source, the CHANGELOG and the tag agree", () => {
    expect(checkAgreement(READY)).toEqual({ errors: [], unready: [] });
  });

  it.each([
    [{ sourceVersion: "1.2.2" }, "src/realtime/version.ts has version 1.2.2"],
    [{ lockVersions: ["1.2.3", "1.2.2"] }, "package-lock.json has version 1.2.3 and 1.2.2"],
    [{ changelog: "## 1.2.3 - soon\n\n- A line.\n" }, 'the date of the section "## 1.2.3"'],
  ])("refuses %j at any time", (facts, error) => {
    const { errors, unready } = checkAgreement({ ...READY, ...facts });
    expect([errors.length, unready]).toEqual([1, []]);
    expect(errors[0]).toContain(error);
  });

  it.each([
    [{ changelog: "## Unreleased\n" }, 'no section "## 1.2.3'],
    [{ changelog: `## Unreleased\n\n- New.\n\n${READY.changelog}` }, 'lines under "Unreleased"'],
    [{ tags: ["v1.2.2"] }, "no tag v1.2.3"],
    [{ changed: [" M src/index.ts"] }, "1 files are not committed:  M src/index.ts"],
  ])("says that %j is not ready for a release", (facts, text) => {
    const { errors, unready } = checkAgreement({ ...READY, ...facts });
    expect([errors, unready.length]).toEqual([[], 1]);
    expect(unready[0]).toContain(text);
  });
});

describe("the check of a tarball's files", () => {
  it("accepts code, declarations, templates and the pages about the package", () => {
    const paths = ["LICENSE", "README.md", "package.json", "dist/index.js", "dist/a/b.d.ts"];
    const files = [...paths, "dist/assets/pocketwire-docs.txt"].map((path) => ({ path, text: "" }));
    expect(findUnpublishable(files)).toEqual([]);
  });

  it.each([
    "dist/index.js.map",
    "dist/.built",
    "dist/test/a.js",
    "dist/a.test.js",
    ".dev.vars",
    "dist/.env",
    "src/index.ts",
    "dist/index.ts",
    "dist/key.pem",
  ])("refuses %s", (path) => {
    expect(findUnpublishable([{ path, text: "" }])).toEqual([expect.stringContaining(path)]);
  });

  it.each([
    ["a private key", `-----BEGIN PRIVATE ${"KEY"}-----\n${"MIIE".repeat(8)}`],
    ["a token of npm", `npm_${"a1".repeat(18)}`],
    ["a token of GitHub", `ghp_${"a1".repeat(18)}`],
    ["a key of AWS", `AKIA${"A1".repeat(8)}`],
    ["a JSON Web Token", `eyJ${"a".repeat(12)}.eyJ${"b".repeat(12)}.${"c".repeat(20)}`],
    ["the folder of this build", "/home/anna/pocketwire/src"],
  ])("refuses a file that contains %s", (what, text) => {
    const forbidden = { "the folder of this build": "/home/anna/pocketwire" };
    const faults = findUnpublishable([{ path: "dist/index.js", text }], forbidden);
    expect(faults).toEqual([`dist/index.js contains ${what}. Remove it.`]);
  });
});
