import { execFileSync } from "node:child_process";
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";

/** Copies the files of the working tree that git tracks, with their uncommitted changes, to a folder. */
export function copyTrackedFiles(root, folder) {
  const files = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" });
  for (const file of files.split("\0").filter(Boolean)) {
    // A file that was deleted and not committed is still listed.
    if (existsSync(join(root, file))) cpSync(join(root, file), join(folder, file));
  }
}
