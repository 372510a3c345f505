// The software bill of materials: the packages that `npm install pocketwire` installs beside it.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NOT_INSTALLED = ["devDependencies", "peerDependencies", "peerDependenciesMeta"];

/**
 * Returns the bill in a format of `npm sbom`: `cyclonedx` or `spdx`, as JSON.
 *
 * In the repository itself, `npm sbom --omit=dev` leaves out a package that is both a devDependency and a dependency of a
 * dependency (eventsource-parser). So npm reads a copy of package.json and of the lock file without development dependencies.
 */
export function writeBill(root, format) {
  const folder = mkdtempSync(join(tmpdir(), "pocketwire-sbom-"));
  try {
    const manifest = readJSON(join(root, "package.json"));
    // npm takes the name of the folder for the name of the root.
    const project = join(folder, manifest.name);
    mkdirSync(project);
    const lock = readJSON(join(root, "package-lock.json"));
    for (const field of [...NOT_INSTALLED, "scripts"]) delete manifest[field];
    for (const field of NOT_INSTALLED) delete lock.packages[""][field];
    writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
    writeFileSync(join(project, "package-lock.json"), JSON.stringify(lock));
    const npm = (...words) => execFileSync("npm", words, { cwd: project, encoding: "utf8" });
    // Removes from the lock file what only development dependencies needed.
    npm("install", "--package-lock-only", "--prefer-offline", "--no-audit", "--no-fund");
    return npm("sbom", "--package-lock-only", "--sbom-format", format);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readJSON(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}
