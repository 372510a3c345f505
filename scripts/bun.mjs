// Runs Bun with the given arguments. The first run downloads the npm package `bun` into .cache/. Bun is not a
// devDependency, because its binary would add 100 MB to every `npm ci`.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { cachedPackage } from "./cached-package.mjs";
import { onNpmEnd } from "./npm-parent.mjs";

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
  onNpmEnd(() => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
}
