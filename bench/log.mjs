// `npm run bench:log` prints the CPU time of appending a message to the log in memory and on disk, in interleaved rounds.
//
//   --rounds N    number of rounds (5)
//
// BENCH_DATA is the folder for the logs on disk. Default: the folder for temporary files.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { betterSqlite3Base } from "../scripts/better-sqlite3.mjs";
import { bunPath } from "../scripts/bun.mjs";
import { node22Path } from "../scripts/node22.mjs";
import { median } from "./statistics.mjs";

const { values: flags } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const script = fileURLToPath(new URL("log-append.mjs", import.meta.url));
const TURNS = [1, 10, 100];

const RUNTIMES = [
  { title: "`node:sqlite`", command: [node22Path(), "--no-warnings", "--expose-gc"] },
  { title: "`bun:sqlite`", command: [bunPath()] },
];
const better = betterSqlite3Base();
if (better !== undefined) {
  const env = { NODE_PATH: fileURLToPath(new URL("node_modules", `file://${better}`)) };
  RUNTIMES.push({ title: "`better-sqlite3`", command: [process.execPath, "--expose-gc"], env });
}
const STORES = [
  { title: "memory", options: { store: "memory" } },
  {
    title: "memory, 10 rules, 10,000 topics",
    options: { store: "memory", rules: 10, topics: 10_000 },
  },
  { title: "disk", options: { store: "disk" } },
  { title: "disk, `full`", options: { store: "disk", sync: "full" } },
  { title: "disk, a rule", options: { store: "disk", rules: 1 } },
];

const rows = RUNTIMES.flatMap((runtime) => STORES.map((store) => ({ runtime, store, runs: [] })));
for (let round = 1; round <= Number(flags.rounds); round++) {
  for (const { runtime, store, runs } of rows) runs.push(measure(runtime, store.options));
  console.error(`round ${round} of ${flags.rounds}`);
}
console.log("| library | log | 1 a turn, µs CPU a message | 10 a turn | 100 a turn |");
console.log("|---|---|---|---|---|");
for (const { runtime, store, runs } of rows) {
  const cells = TURNS.map((turn) => {
    const values = runs.map((run) => run[turn]);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return `${median(values).toFixed(1)} (${least.toFixed(1)} to ${most.toFixed(1)})`;
  });
  console.log(`| ${[runtime.title, store.title, ...cells].join(" | ")} |`);
}

function measure({ command: [program, ...args], env }, options) {
  const { stdout, status } = spawnSync(program, [...args, script, JSON.stringify(options)], {
    encoding: "utf8",
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`log-append.mjs exited with ${status}.`);
  return JSON.parse(stdout);
}
