import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { tarballUnderTest } from "./installed.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tarball = tarballUnderTest();
const read = (file: string) => JSON.parse(readFileSync(file, "utf8"));
const { version } = read(`${root}package.json`);

/** Walks through the lock file from `dependencies`, as npm does when a user installs the package. */
function installedPackages(): string[] {
  const { packages } = read(`${root}package-lock.json`);
  const found = new Map<string, string>();
  const visit = (dependencies: object = {}) => {
    for (const name of Object.keys(dependencies)) {
      if (found.has(name)) continue;
      const entry = packages[`node_modules/${name}`];
      found.set(name, entry.version);
      visit(entry.dependencies);
    }
  };
  visit(packages[""].dependencies);
  return [...found].map(([name, its]) => `${name}@${its}`).toSorted();
}

interface Named {
  readonly name: string;
  readonly version?: string;
  readonly versionInfo?: string;
}

const namesOf = (all: readonly Named[]) =>
  all.map(({ name, version: its, versionInfo }) => `${name}@${its ?? versionInfo}`).toSorted();

describe("the files of a release", () => {
  it("name every package that is installed with this one, in both formats, and no other", () => {
    const installed = installedPackages();
    expect(installed).toContainEqual(expect.stringMatching(/^eventsource-parser@/));
    const cyclonedx = read(tarball.replace(/tgz$/, "cdx.json"));
    expect(namesOf([cyclonedx.metadata.component])).toEqual([`pocketwire@${version}`]);
    expect(namesOf(cyclonedx.components)).toEqual(installed);
    const spdx = read(tarball.replace(/tgz$/, "spdx.json"));
    expect(namesOf(spdx.packages)).toEqual([...installed, `pocketwire@${version}`].toSorted());
  });

  it("have the checksums in SHA256SUMS", () => {
    const options = { cwd: dirname(tarball), encoding: "utf8" } as const;
    const output = execFileSync("sha256sum", ["--check", "--strict", "SHA256SUMS"], options);
    expect(output.trim().split("\n")).toHaveLength(4);
  });
});
