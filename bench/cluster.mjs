// `npm run bench:cluster` compares Pocketwire over Redis, with one process and with two, with Pocketwire in memory and with
// Nchan, in interleaved rounds. It also measures the CPU time of Redis for each message.
//
//   --rounds N     number of rounds (5)
//   --clients N    number of clients (1000)
//   --messages N   messages of a round (600)
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { RedisSequencer } from "../src/runtimes/process/redis/redis-sequencer.ts";
import { build, machine, measure, median, TOOLS } from "./measure.mjs";
import { listClusters } from "./servers/index.mjs";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    clients: { type: "string", default: "1000" },
    messages: { type: "string", default: "600" },
  },
});
const [rounds, clients, messages] = [flags.rounds, flags.clients, flags.messages].map(Number);
const WARMUP = 100;
const REDIS_PORT = 18481;
const REDIS_URL = `redis://127.0.0.1:${REDIS_PORT}`;

const folder = mkdtempSync(join(tmpdir(), "pocketwire-bench-"));
const redisArgs = [
  "--port",
  String(REDIS_PORT),
  "--dir",
  folder,
  "--save",
  "",
  "--appendonly",
  "no",
];
// On the core of the load generator: the core of the server then shows the server alone.
const redis = spawn("taskset", ["-c", "1", "redis-server", ...redisArgs], { stdio: "ignore" });
process.on("exit", () => redis.kill("SIGKILL"));

/** CPU time that Redis has used, in microseconds. */
async function redisCPU() {
  const text = await command("INFO", "cpu");
  const seconds = (name) => Number(new RegExp(`^${name}:(\\S+)`, "m").exec(text)?.[1]);
  return (seconds("used_cpu_sys") + seconds("used_cpu_user")) * 1e6;
}

function command(...words) {
  return new Promise((resolve, reject) => {
    const socket = connect(REDIS_PORT, "127.0.0.1");
    let text = "";
    socket.on("error", reject).on("close", () => resolve(text));
    socket.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    socket.write(`${words.join(" ")}\r\nQUIT\r\n`);
  });
}

/** The CPU time of Redis for one message, if messages are appended in lists of a size. */
async function appendCPU(size, count) {
  const sequencer = new RedisSequencer({ url: REDIS_URL, prefix: `append-${size}` });
  const data = JSON.stringify({ text: "x".repeat(119) });
  const list = (from) =>
    Array.from({ length: size }, (_, index) => ({
      ...{ id: `m${from + index}`, topics: ["chat"], data, private: false },
    }));
  await sequencer.append([{ messages: list(-size) }]);
  const before = await redisCPU();
  for (let from = 0; from < count; from += size) {
    await sequencer.append([{ messages: list(from) }]);
  }
  const used = (await redisCPU()) - before;
  await sequencer.close();
  return used / count;
}

build();
await pause(500);
console.error(machine());
const servers = listClusters(TOOLS, REDIS_URL);
const results = [];
for (let round = 1; round <= rounds; round++) {
  for (const window of [1, 16]) {
    for (const server of servers) {
      await command("FLUSHALL");
      const before = await redisCPU();
      const load = { clients, messages, warmup: WARMUP, window, size: 130 };
      const measured = await measure(server, load);
      const redisUsed = ((await redisCPU()) - before) / (messages + WARMUP);
      results.push({ name: server.name, window, redisUsed, ...measured });
      const { cpu_us: cpu, p50_us: p50, p99_us: p99 } = measured;
      console.error(
        `round ${round}, ${window} in flight: ${server.name} ${cpu} µs a delivery, p50 ${p50} µs, p99 ${p99} µs`,
      );
    }
  }
}
const rows = servers.map(({ name, title }) => {
  const cells = [1, 16].flatMap((window) => {
    const of = (field) =>
      median(results.filter((one) => one.name === name && one.window === window).map(field));
    const redisCell = name.includes("redis") ? of((one) => one.redisUsed).toFixed(0) : "";
    return [
      of((one) => one.cpu_us).toFixed(2),
      of((one) => one.p50_us),
      of((one) => one.p99_us),
      redisCell,
    ];
  });
  return `| ${title} | ${cells.join(" | ")} |`;
});
console.log(machine());
console.log(rows.join("\n"));
for (const size of [1, 10, 100]) {
  const used = [];
  for (let round = 0; round < 3; round++) used.push(await appendCPU(size, 5000));
  console.log(`Redis, appends of ${size}: ${median(used).toFixed(1)} µs CPU a message`);
}
redis.kill("SIGKILL");
rmSync(folder, { recursive: true, force: true });
process.exit(0);
