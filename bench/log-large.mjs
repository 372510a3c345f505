// Measures a log on disk with a million messages: opening it, reading the newest 20 messages of a quiet topic, and deleting
// 100,000 expired messages. All times are CPU time.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMessage } from "../dist/adapter.js";
import { openDataLog } from "../dist/node.js";

const MESSAGES = 1_000_000;
const QUIET = 20;
const EXPIRED = 100_000;
const HOUR = 3_600_000;
const DATA = { text: "x".repeat(80) };
const folder = mkdtempSync(join(process.env.BENCH_DATA ?? tmpdir(), "pocketwire-log-"));
const start = Date.now();
let now = start;
const options = { now: () => now, history: { messages: MESSAGES + QUIET, maxAge: 100 * HOUR } };

let log = await openDataLog(folder, options);
await fill("quiet", QUIET, 0);
await fill("noisy", EXPIRED, QUIET);
// The rest is younger.
now += HOUR;
await fill("noisy", MESSAGES - EXPIRED, EXPIRED + QUIET);
await close();

log = await report("open", () => openDataLog(folder, options));
for (const name of ["first read of the quiet topic", "second read of it"]) {
  const page = await report(name, () => log.readBack(undefined, 1000, 65_536, ["quiet"]));
  console.log(`  ${page.entries.length} messages`);
}
await report("first read of the noisy topic", () =>
  log.readBack(undefined, 1000, 65_536, ["noisy/*"]),
);
await report("statistics", () => log.stats());

// The first 100,000 messages expire.
now = start + 100 * HOUR;
await report(`delete ${EXPIRED.toLocaleString("en")} messages`, async () => {
  let longest = 0;
  while (log.read(undefined, 1).trimmedTo < EXPIRED + QUIET) {
    const before = process.cpuUsage();
    await new Promise(setImmediate);
    const { user, system } = process.cpuUsage(before);
    longest = Math.max(longest, user + system);
  }
  console.log(`longest turn of the event loop: ${(longest / 1000).toFixed(2)} ms CPU`);
});
await close();
rmSync(folder, { recursive: true });

async function fill(topic, count, from) {
  for (let n = 0; n < count; n += 1000) {
    const length = Math.min(1000, count - n);
    const topicOf = (index) => (topic === "quiet" ? "quiet" : `noisy/${index % 1000}`);
    const batch = Array.from({ length }, (_, index) =>
      createMessage({
        id: `message-id-${from + n + index}`,
        topic: topicOf(n + index),
        data: DATA,
      }),
    );
    await log.append(batch);
  }
}

async function close() {
  await log.close();
  await log.release();
}

async function report(name, run) {
  const before = process.cpuUsage();
  const result = await run();
  const { user, system } = process.cpuUsage(before);
  console.log(`${name}: ${((user + system) / 1000).toFixed(2)} ms CPU`);
  return result;
}
