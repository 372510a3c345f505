// Builds the package and packs it, and compares tarballs.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyTrackedFiles } from "../working-copy.mjs";
import { sha256 } from "./checksums.mjs";

/** Builds the package in a folder of sources, packs it to another folder, and returns the path of the tarball. */
export function pack(sources, destination) {
  const run = (...words) =>
    execFileSync("npm", words, { cwd: sources, encoding: "utf8", stdio: ["ignore", "pipe", 2] });
  run("run", "--silent", "build");
  const printed = run("pack", "--json", "--ignore-scripts", "--pack-destination", destination);
  return join(destination, JSON.parse(printed)[0].filename);
}

/** The files of a tarball: path below `package/`, and text. */
export function readTarball(tarball) {
  return inTemporaryFolder((folder) => {
    execFileSync("tar", ["-xzf", tarball, "-C", folder]);
    const home = join(folder, "package");
    return readdirSync(home, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => ({ path: file.slice(home.length + 1), text: readFileSync(file, "utf8") }))
      .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  });
}

/**
 * Packs the tracked files again, in another folder.
 *
 * @returns what differs from the first tarball: paths of files, or a text if the files are equal and the tarballs are not. An
 *   empty list means that the tarballs are equal byte by byte.
 */
export function differencesOfSecondPack(root, tarball) {
  return inTemporaryFolder((folder) => {
    const copy = join(folder, "sources");
    copyTrackedFiles(root, copy);
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    const second = pack(copy, folder);
    if (sha256(second) === sha256(tarball)) return [];
    const files = new Map(readTarball(tarball).map(({ path, text }) => [path, text]));
    const others = new Map(readTarball(second).map(({ path, text }) => [path, text]));
    const paths = new Set([...files.keys(), ...others.keys()]);
    const differing = [...paths].filter((path) => files.get(path) !== others.get(path));
    return differing.length > 0 ? differing : ["the files are equal, but not their tar headers"];
  });
}

function inTemporaryFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), "pocketwire-release-"));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
