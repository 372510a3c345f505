// `npm run bench`: Pocketwire beside others, in interleaved rounds. Flags: --quick, --rounds N, --clients N[,N],
// --only name[,name], --report (writes docs/performance.md's table and chart).
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { report } from "./report.mjs";
import { listServers } from "./servers/index.mjs";
import { PORT } from "./servers/settings.mjs";

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    clients: { type: "string" },
    only: { type: "string" },
    report: { type: "boolean", default: false },
  },
});
const root = fileURLToPath(new URL("..", import.meta.url));
const tools = join(root, ".cache/bench");
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 5));
const clientCounts = (flags.clients ?? (flags.quick ? "500" : "1000")).split(",").map(Number);
/** In docs/performance.md: what stands behind it is written anew. */
const REPORT_MARK = "<!-- bench: from here on `npm run bench -- --report` writes -->";
/** Messages in flight at once. */
const WINDOWS = [1, 16];
const [SERVER_CORE, LOAD_CORE] = ["0", "1"];

build();
const only = flags.only?.split(",");
const servers = listServers(tools).filter(({ name }) => only === undefined || only.includes(name));
console.error(machine());
const results = [];
for (const clients of clientCounts) {
  for (let round = 1; round <= rounds; round++) {
    for (const window of WINDOWS) {
      for (const server of servers) {
        const measured = await measure(server, clients, window);
        results.push({ server: server.name, clients, window, round, ...measured });
        const { cpu_us: cpu, p99_us: p99 } = measured;
        console.error(
          `round ${round}, ${clients} clients, ${window} in flight: ${server.name} ${cpu} µs a delivery, p99 ${p99} µs`,
        );
      }
    }
  }
}
const { table, chart } = report({ results, servers, machine: machine() });
console.log(table);
writeFileSync(join(tools, "results.json"), JSON.stringify(results, null, 1));
if (flags.report) {
  const page = join(root, "docs/performance.md");
  const [before = ""] = readFileSync(page, "utf8").split(REPORT_MARK);
  const picture = "![CPU per delivery](performance.svg)";
  writeFileSync(page, `${before}${REPORT_MARK}\n\n${table}\n${picture}\n`);
  writeFileSync(join(root, "docs/performance.svg"), chart);
}

function build() {
  mkdirSync(tools, { recursive: true });
  for (const tool of ["sseload", "bcast"]) {
    run("g++", [
      "-O2",
      "-std=c++17",
      "-o",
      join(tools, tool),
      join(root, `bench/tools/${tool}.cpp`),
    ]);
  }
  run("npm", ["run", "--silent", "build"]);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error ?? `exit ${status}`}`);
}

/** One server, started anew, with one load. */
async function measure({ name, command, args }, clients, window) {
  const child = spawn("taskset", ["-c", SERVER_CORE, ...command], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  try {
    await listening(name);
    const messages = window === 1 ? 1000 : 3000;
    const scale = Math.min(1, 1000 / clients) * (flags.quick ? 0.1 : 1);
    const load = [
      ...[
        "-n",
        String(clients),
        "-m",
        String(Math.ceil(messages * scale)),
        "--warm",
        String(Math.ceil(300 * scale)),
      ],
      ...[
        "--window",
        String(window),
        "--connc",
        "64",
        "--settle",
        flags.quick ? "200" : "1500",
        "--timeout",
        "120",
      ],
      ...["--port", String(PORT), "--pids", String(child.pid), ...args],
    ];
    const { status, stdout, stderr } = spawnSync(
      "taskset",
      ["-c", LOAD_CORE, join(tools, "sseload"), ...load],
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`${name}: the load ended with ${status}: ${stderr}`);
    return JSON.parse(stdout);
  } finally {
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
  }
}

async function listening(name) {
  for (let tries = 0; tries < 200; tries++) {
    const isOpen = await new Promise((resolve) => {
      const socket = connect(PORT, "127.0.0.1");
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isOpen) return;
    await pause(50);
  }
  throw new Error(`${name} does not listen at ${PORT}`);
}

function machine() {
  const [cpu] = cpus();
  const date = new Date().toISOString().slice(0, 10);
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `${date}, ${cpu?.model.trim()}, ${cpus().length} cores, ${memory} GiB, Node ${process.version}; server on one core, load on another`;
}
