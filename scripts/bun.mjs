// Runs Bun with the given arguments. The first run downloads the npm package `bun` into .cache/. Bun is not a
// devDependency, because its binary would add 100 MB to every `npm ci`.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cachedPackage } from "./cached-package.mjs";

const VERSION = "1.4.5";
const FILE = "node_modules/.bin/bun";

/** Returns the path of the Bun binary. Downloads Bun first if it is missing. */
export function bunPath() {
  return `${cachedPackage("bun", VERSION, FILE)}${FILE}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const child = spawn(bunPath(), process.argv.slice(2), { stdio: "inherit" });
  // Do not forward SIGINT. A terminal sends Ctrl-C to both processes, and Bun would take a forwarded one for a second
  // Ctrl-C, which makes the service exit immediately.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  // npm sends SIGTERM to its shell only, and the shell exits without forwarding the signal. This process then sees that
  // its parent has changed.
  const parent = process.ppid;
  if (isAwaitedByNpm()) {
    setInterval(() => {
      if (process.ppid !== parent) child.kill("SIGTERM");
    }, 250).unref();
  }
  child.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
}

/**
 * Whether npm waits for this process. False if the npm script runs it in the background, where it must outlive npm. The
 * rule is the same as in the service, but Node cannot import the TypeScript source of the service.
 */
function isAwaitedByNpm() {
  const { npm_lifecycle_script: script } = process.env;
  if (script === undefined || /(^|[^&>])&([^&>]|$)/.test(script)) return false;
  try {
    const command = readFileSync(`/proc/${process.ppid}/cmdline`, "utf8");
    return command.includes("\0-c\0") && command.includes(script);
  } catch {
    return true;
  }
}
