/**
 * A program that runs on each runtime: it starts the service in this process, connects, subscribes and kills clients, and prints
 * the remaining memory and timers as one line of JSON. Memory and timers can be measured only inside the process.
 */
import { postJSON } from "./api.ts";
import { eventually } from "./deadline.ts";
import { settledHeap } from "./heap.ts";
import { openRawStream } from "./raw-client.ts";

const WARM_UP = 1000;
const CYCLES = 5000;
const AT_ONCE = 50;

/** Handles of timers that are set and have neither fired nor been cleared. */
const timers = new Set<unknown>();
const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis;
globalThis.setTimeout = ((run: (...all: unknown[]) => void, ...rest: [number?, ...unknown[]]) => {
  const handle = setTimeout(
    (...all: unknown[]) => {
      timers.delete(handle);
      run(...all);
    },
    ...rest,
  );
  timers.add(handle);
  return handle;
}) as typeof setTimeout;
globalThis.setInterval = ((...all: Parameters<typeof setInterval>) => {
  const handle = setInterval(...all);
  timers.add(handle);
  return handle;
}) as typeof setInterval;
globalThis.clearTimeout = ((handle: Parameters<typeof clearTimeout>[0]) => {
  timers.delete(handle);
  clearTimeout(handle as number);
}) as typeof clearTimeout;
globalThis.clearInterval = ((handle: Parameters<typeof clearInterval>[0]) => {
  timers.delete(handle);
  clearInterval(handle as number);
}) as typeof clearInterval;

const isBun = process.versions.bun !== undefined;
const { startServer } = isBun
  ? await import("../../src/bun.ts")
  : await import("../../src/node.ts");
const { url, realtimeManager, registry, close } = await startServer({
  port: 0,
  connectsPerSecond: 0,
  maxClientsPerAddress: 0,
});

/** Timers of the server itself, without clients. */
const ownTimers = timers.size;

async function churn(cycles: number): Promise<void> {
  let started = 0;
  const one = async () => {
    while (started < cycles) {
      const cycle = started++;
      const { clientId, socket } = await openRawStream(url);
      // Without "close" the test's own HTTP client would keep a timer for each of its idle connections.
      const subscriptions = ["a", `cycle/${cycle}`, "b/*"];
      const body = { clientId, subscriptions };
      const answer = await postJSON(url, "/api/realtime", body, { Connection: "close" });
      if (answer.status !== 204) throw new Error(`cycle ${cycle}: ${answer.status}`);
      if (cycle % 2 === 0) socket.destroy();
      else socket.end();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  await eventually(
    () => realtimeManager?.getAllClientIds().length === 0,
    "all clients are removed",
  );
}

await churn(WARM_UP);
const heapBefore = await settledHeap();
await churn(CYCLES);
const heapAfter = await settledHeap();
// A leaked timer of a stream would remain.
await eventually(() => timers.size === ownTimers, "no timers of streams are left").catch(() => {});
const { clients, subscriptions, topics, disconnects } = await registry.stats();
console.log(
  JSON.stringify({
    clients,
    subscriptions,
    topics,
    disconnected: disconnects.client,
    timers: timers.size - ownTimers,
    heapGrowthPerCycle: Math.round((heapAfter - heapBefore) / CYCLES),
  }),
);
await close();
process.exit(0);
