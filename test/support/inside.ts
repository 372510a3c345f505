/**
 * Loaded into a service's process before the service (Node: `--expose-gc`), to report what can be measured only inside the
 * process. Each SIGUSR2 prints one line to stderr, with the fields of `InsideReport` in measured.ts.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { countHandles, settledHeap } from "./heap.ts";

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

const delays = monitorEventLoopDelay({ resolution: 10 });
delays.enable();

process.on("SIGUSR2", async () => {
  const block = Math.round(longestBlock);
  const delay = Math.round(delays.percentile(99) / 1e6);
  const heap = await settledHeap();
  const handles = await countHandles();
  process.stderr.write(`inside ${JSON.stringify({ heap, handles, block, delay })}\n`);
  longestBlock = 0;
  delays.reset();
});
