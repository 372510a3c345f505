// Shared by the benchmarks: builds the tools, and measures one server under one load.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { connect } from "node:net";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PORT } from "./servers/settings.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Folder of the built tools and of the results. */
export const TOOLS = join(root, ".cache/bench");
/** These would end the benchmark without its server. They are handled when sseload has ended. */
const SIGNALS = ["SIGINT", "SIGTERM"];
const [SERVER_CORE, LOAD_CORE] = ["0", "1"];

export function build() {
  mkdirSync(TOOLS, { recursive: true });
  for (const tool of ["sseload", "bcast"]) {
    const source = join(root, `bench/tools/${tool}.cpp`);
    run("g++", ["-O2", "-std=c++17", "-o", join(TOOLS, tool), source]);
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

/**
 * Starts the server, puts the load on it, and stops it.
 *
 * @param server `command` and `env` start it, and `args` are the requests of the load. `cores`: "all" lets server and load use
 *   all cores. Default: one core each. `isReady`: a pattern of the line that it prints when all its processes listen.
 * @param loadOptions Options of bench/tools/sseload.cpp: names without `--`, and values.
 * @returns The line of JSON that sseload prints.
 */
export async function measure({ name, command, args, env, cores, isReady }, loadOptions) {
  const onCore = (core, words) => (cores === "all" ? words : ["taskset", "-c", core, ...words]);
  const [program, ...programArgs] = onCore(SERVER_CORE, command);
  const child = spawn(program, programArgs, {
    env: { ...process.env, ...env },
    stdio: ["ignore", isReady === undefined ? "ignore" : "pipe", "inherit"],
    // Its own process group, so that the kill below also ends the child processes of the server.
    detached: true,
  });
  const stop = () => process.kill(-child.pid, "SIGKILL");
  process.once("exit", stop);
  const interrupt = () => process.exit(1);
  for (const signal of SIGNALS) process.once(signal, interrupt);
  try {
    if (isReady !== undefined) await printed(child, isReady, name);
    await until(true, `${name} does not listen`);
    const options = { port: PORT, pids: child.pid, connecting: 64, timeout: 120, ...loadOptions };
    const words = Object.entries(options).flatMap(([option, value]) => [
      `--${option}`,
      String(value),
    ]);
    const [load, ...loadArgs] = onCore(LOAD_CORE, [join(TOOLS, "sseload"), ...args, ...words]);
    const { status, stdout, stderr } = spawnSync(load, loadArgs, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${name}: sseload exited with ${status}: ${stderr}`);
    return JSON.parse(stdout);
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt);
    process.off("exit", stop);
    stop();
    await new Promise((resolve) => child.once("close", resolve));
    // Child processes of the server may hold the port a moment longer.
    await until(false, `${name} still listens`);
  }
}

/** Resolves when a program has printed a line. Rejects when the program ends before, and after 30 seconds. */
export function printed(child, pattern, name) {
  return new Promise((resolve, reject) => {
    let text = "";
    const fail = () => reject(new Error(`${name} did not start. It printed:\n${text}`));
    const timer = setTimeout(fail, 30_000);
    child.once("error", fail).once("close", fail);
    // The listener stays, because otherwise a full pipe would block the program.
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      text = (text + chunk).slice(-10_000);
      if (!pattern.test(text)) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

function isListening() {
  return new Promise((resolve) => {
    const socket = connect(PORT, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Waits up to 30 seconds until the port is open, or closed if `wanted` is false. */
async function until(wanted, problem) {
  for (let tries = 0; tries < 600; tries++) {
    if ((await isListening()) === wanted) return;
    await pause(50);
  }
  throw new Error(`${problem} on port ${PORT} after 30 seconds.`);
}

export function machine() {
  const [cpu] = cpus();
  const date = new Date().toISOString().slice(0, 10);
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `${date}, ${cpu?.model.trim()}, ${cpus().length} cores, ${memory} GiB, Node ${process.version}; server on one core, load on another`;
}

export function median(values) {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
