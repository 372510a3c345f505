// Measures one server under one load.
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { TOOLS } from "./build.mjs";
import { PORT } from "./servers/settings.mjs";

const [SERVER_CORE, LOAD_CORE] = ["0", "1"];
/** Maximum time in seconds for each of: connecting, the warm-up, and publishing. */
const TIMEOUT = 120;
/** Connecting, warm-up and publishing each have the timeout. A load that runs longer than all of them is killed. */
const PHASES = 4;
/** After the connections of a server have closed, the system reports the end of the server within this time in milliseconds. */
const GRACE = 500;

/**
 * Starts the server, puts the load on it, and stops it.
 *
 * @param server `command` and `env` start the server. `args` are the requests of the load. `setUp` runs before the start.
 *   `prepare` runs when the server listens, and returns more `args`. `finish` runs after the load, and returns more fields. With
 *   `cores` "all", server and load use all cores. Default: one core each. `isReady` is a pattern of the line that the server
 *   prints when all of its processes listen.
 * @param loadOptions Options of bench/tools/sseload.cpp: names without `--`, and values.
 * @param signal Ends the measurement.
 * @returns The fields of the line of JSON that sseload prints.
 * @throws Error that says why there is no result: the server did not start, ended, or did not keep up.
 */
export async function measure(server, loadOptions, signal) {
  const { name, command, env, isReady } = server;
  if (await isListening()) {
    throw new Error(`port ${PORT} is in use. Set BENCH_PORT to a free port.`);
  }
  await server.setUp?.();
  const child = start(onCore(server, SERVER_CORE, command), {
    env: { ...process.env, ...env },
    stdio: ["ignore", isReady === undefined ? "ignore" : "pipe", "inherit"],
  });
  try {
    if (isReady !== undefined) await printed(child, isReady, name);
    await until(true, `${name} does not listen`, { child, signal });
    const prepared = (await server.prepare?.()) ?? [];
    const words = [...prepared, ...wordsOf(child.pid, loadOptions)];
    const result = await load(server, child, words, signal);
    return { ...result, ...(await server.finish?.()) };
  } finally {
    await child.stop();
    // Child processes of the server may hold the port a moment longer.
    await until(false, `${name} still listens`);
  }
}

function wordsOf(pid, loadOptions) {
  const options = { port: PORT, pids: pid, connecting: 64, timeout: TIMEOUT, ...loadOptions };
  return Object.entries(options).flatMap(([option, value]) => [`--${option}`, String(value)]);
}

function onCore({ cores }, core, words) {
  return cores === "all" ? words : ["taskset", "-c", core, ...words];
}

/**
 * Starts a program in a process group of its own, so that a Ctrl-C in the terminal does not reach it, and so that `stop` also
 * ends its child processes. `ended` resolves with the reason when the program has ended.
 */
function start([program, ...args], options) {
  const child = spawn(program, args, { ...options, detached: true });
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch (error) {
      // All processes of the group have ended.
      if (error.code !== "ESRCH") throw error;
    }
  };
  process.once("exit", kill);
  child.ended = new Promise((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("close", (status, signal) =>
      resolve(signal === null ? `exited with ${status}` : `was ended by ${signal}`),
    );
  });
  child.stop = async () => {
    process.off("exit", kill);
    kill();
    await child.ended;
  };
  return child;
}

/** Runs sseload until it ends, or the signal is aborted. Returns what sseload prints. */
async function load(server, child, words, signal) {
  signal?.throwIfAborted();
  const command = [join(TOOLS, "sseload"), ...server.args, ...words];
  const sseload = start(onCore(server, LOAD_CORE, command), { stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    sseload[name].setEncoding("utf8").on("data", (text) => {
      output[name] += text;
    });
  }
  const seconds = PHASES * Number(words[words.lastIndexOf("--timeout") + 1]);
  const over = new AbortController();
  const interrupted = new Promise((resolve) => {
    signal?.addEventListener("abort", resolve, { signal: over.signal });
  });
  try {
    const limits = { signal: over.signal };
    const late = pause(seconds * 1000, `did not end within ${seconds} s`, limits);
    // sseload notices by itself that a server has ended. The output of sseload then says how many messages arrived before.
    const end = await Promise.race([sseload.ended, late, interrupted]);
    if (end === "exited with 0") return JSON.parse(output.stdout);
    signal?.throwIfAborted();
    const how = await Promise.race([child.ended, pause(GRACE, "", limits)]);
    throw new Error(
      [how && `the server ${how}`, problemOf(end, output)].filter(Boolean).join("; "),
    );
  } finally {
    over.abort();
    await sseload.stop();
  }
}

/** Says why sseload has no result. */
function problemOf(end, { stdout, stderr }) {
  if (stdout === "") return [`sseload ${end}`, stderr.trim()].filter(Boolean).join(": ");
  const { problem, phase, deliveries, expected } = JSON.parse(stdout);
  if (expected === 0) return `${problem} (${phase})`;
  const [received, all] = [deliveries, expected].map((count) => count.toLocaleString("en"));
  return `${problem} (${phase}), received ${received} of ${all}`;
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
async function until(wanted, problem, { child, signal } = {}) {
  let ending;
  void child?.ended.then((how) => {
    ending = how;
  });
  for (let tries = 0; tries < 600; tries++) {
    signal?.throwIfAborted();
    if (ending !== undefined) throw new Error(`the server ${ending} before it listened`);
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
