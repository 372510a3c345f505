/**
 * Loaded into a service's process before the service (Node: `--expose-gc`), to report what can be measured only inside the
 * process. Each SIGUSR2 prints one line to stderr: the bytes of the heap after garbage collection, and the longest block of the
 * event loop since the line before.
 */
import { settledHeap } from "./heap.ts";

const TICK = 5;

/**
 * Milliseconds. Only the CPU time of the process between two ticks counts, because other programs cause pauses on a busy machine.
 */
let longestBlock = 0;
let before = { time: performance.now(), cpu: process.cpuUsage() };

const timer = setInterval(() => {
  const time = performance.now();
  const { user, system } = process.cpuUsage(before.cpu);
  longestBlock = Math.max(longestBlock, Math.min(time - before.time, (user + system) / 1000));
  before = { time, cpu: process.cpuUsage() };
}, TICK);
timer.unref();

process.on("SIGUSR2", async () => {
  const block = Math.round(longestBlock);
  const heap = await settledHeap();
  process.stderr.write(`inside ${JSON.stringify({ heap, block })}\n`);
  longestBlock = 0;
});
