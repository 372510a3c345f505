// Measures the CPU time of this process for appending messages to one log, with 1, 10 and 100 calls of `append` a turn of the
// event loop. Prints one line of JSON. bench/log.mjs starts a process for each case and round.
//
//   node bench/log-append.mjs {"store":"disk","sync":"full","rules":1}
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryLog, createMessage } from "../dist/adapter.js";

const { store, sync, rules = 0, topics = 1000 } = JSON.parse(process.argv[2]);
const MESSAGES = { 1: 5000, 10: 10_000, 100: 20_000 };
const WARM_UP = 3000;
const DATA = { text: "x".repeat(80) };
let count = 0;

const folder = mkdtempSync(join(process.env.BENCH_DATA ?? tmpdir(), "pocketwire-log-"));
const log = await open();
await appendAll(messages(WARM_UP), 1);
await appendAll(messages(WARM_UP), 100);
const result = {};
for (const [turn, total] of Object.entries(MESSAGES)) {
  const batch = messages(total);
  globalThis.gc?.();
  const start = process.cpuUsage();
  await appendAll(batch, Number(turn));
  const { user, system } = process.cpuUsage(start);
  result[turn] = (user + system) / total;
}
await log.close();
await log.release?.();
rmSync(folder, { recursive: true });
console.log(JSON.stringify(result));
process.exit(0);

async function open() {
  // The rule that applies is the last.
  const options = {
    topics: Array.from({ length: rules }, (_, n) =>
      n === rules - 1 ? { match: "chat/*", keep: 100 } : { match: `room${n}/*`, keep: 100 },
    ),
  };
  if (store === "memory") return createMemoryLog(options);
  const runtime = process.versions.bun === undefined ? "node" : "bun";
  const { openDataLog } = await import(`../dist/${runtime}.js`);
  return openDataLog(folder, { ...options, sync });
}

function messages(length) {
  return Array.from({ length }, () => {
    count += 1;
    return createMessage({
      id: `message-id-${count}`,
      topic: `chat/${count % topics}`,
      data: DATA,
    });
  });
}

async function appendAll(batch, turn) {
  for (let index = 0; index < batch.length; index += turn) {
    await Promise.all(batch.slice(index, index + turn).map((message) => log.append([message])));
  }
}
