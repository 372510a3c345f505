import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bunPath } from "../../scripts/bun.mjs";

/** What a user installs beside the package for the programs in `project/`. */
const BESIDE = ["hono", "@hono/node-server", "eventsource", "react", "@opentelemetry/api"];

/** The tarball that `npm run release:dry` has packed. */
export function tarballUnderTest(): string {
  const { RELEASE_TARBALL } = process.env;
  if (RELEASE_TARBALL !== undefined) return RELEASE_TARBALL;
  throw new Error("RELEASE_TARBALL is the path of the tarball. Run: npm run release:dry");
}

/** An empty project that has installed the tarball, and the programs in `project/`. @returns its folder. */
export function installTarball(program: "npm" | "bun"): string {
  const folder = mkdtempSync(join(tmpdir(), "pocketwire-installed-"));
  writeFileSync(join(folder, "package.json"), '{"type":"module","private":true}\n');
  const [command, words] =
    program === "npm"
      ? ["npm", ["install", "--no-audit", "--no-fund", "--prefer-offline"]]
      : [bunPath(), ["add"]];
  const all = [...words, tarballUnderTest(), ...BESIDE];
  execFileSync(command, all, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  cpSync(fileURLToPath(new URL("project", import.meta.url)), folder, { recursive: true });
  return folder;
}
