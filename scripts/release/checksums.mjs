import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";

export function sha256(file) {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/** The lines that `sha256sum --check` reads. */
export function checksumLines(files) {
  return files.map((file) => `${sha256(file)}  ${basename(file)}\n`).join("");
}
