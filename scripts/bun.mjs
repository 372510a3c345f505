// Runs Bun with the arguments given. The npm package `bun` brings the binary (100 MB), so it is fetched
// the first time it is wanted, into .cache/bun, and not with everybody's `npm ci`.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const VERSION = "1.4.5";
const home = fileURLToPath(new URL(`../.cache/bun-${VERSION}/`, import.meta.url));

/** Path of the Bun binary, fetched if it is not there. */
export function bunPath() {
  const binary = `${home}node_modules/.bin/bun`;
  if (!existsSync(binary)) {
    mkdirSync(home, { recursive: true });
    writeFileSync(`${home}package.json`, '{"private":true}\n');
    const install = ["install", "--no-audit", "--no-fund", `bun@${VERSION}`];
    const { status } = spawnSync("npm", install, { cwd: home, stdio: ["ignore", 2, 2] });
    if (status !== 0) throw new Error(`npm install bun@${VERSION} failed in ${home}`);
  }
  return binary;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const child = spawn(bunPath(), process.argv.slice(2), { stdio: "inherit" });
  // A terminal sends Ctrl-C to both; passed on, it would be a second one, which means "at once".
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  // npm signals its shell, which ends without passing the signal on.
  const parent = process.ppid;
  if (isAwaitedByNpm()) {
    setInterval(() => {
      if (process.ppid !== parent) child.kill("SIGTERM");
    }, 250).unref();
  }
  child.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
}

/** As in src/runtimes/process/stop-on-signal.ts: false for a script that runs this program in the background. */
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
