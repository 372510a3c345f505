// Builds what the benchmarks run: the tools in C++, and the package.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = join(root, "bench/tools");
/** Folder of the built tools and of the results. */
export const TOOLS = join(root, ".cache/bench");

/** Builds the tools and the package. */
export function build() {
  buildTools();
  run("npm", ["run", "--silent", "build"]);
}

/** Builds the tools that are older than their sources. Needs g++ (`apt-get install g++`). */
export function buildTools() {
  mkdirSync(TOOLS, { recursive: true });
  const changed = Math.max(
    ...readdirSync(sources).map((file) => statSync(join(sources, file)).mtimeMs),
  );
  for (const tool of ["sseload", "bcast"]) {
    const built = join(TOOLS, tool);
    const builtAt = statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (builtAt > changed) continue;
    run("g++", ["-O2", "-std=c++17", "-o", built, join(sources, `${tool}.cpp`)]);
  }
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error ?? `exit ${status}`}`);
}
