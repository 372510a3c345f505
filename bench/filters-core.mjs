// One round of the cases of filter-cases.mjs without HTTP: only the core, the memory log, and sinks that count frames.
// Prints one line of JSON. bench/filters.mjs starts a process for each round, because V8 may optimise the same code better in
// one process than in another.
import { createMemoryLog, createMessage } from "../dist/adapter.js";
import { RealtimeManager } from "../dist/index.js";
import { CLIENTS, CORE_CASES } from "./filter-cases.mjs";

/** CPU time for which each case is measured. */
const MEASURED_MS = Number(process.argv[2] ?? 150);
/** A case is published between this often and that often. */
const [LEAST, MOST] = [20, 5000];
const WARM_UP = 200;

let frames = 0;
const write = () => {
  frames += 1;
  return true;
};

const cases = CORE_CASES.map(prepare);
for (const { publish } of cases) for (let n = 0; n < WARM_UP; n++) await publish();
const results = [];
for (const { name, publish } of cases) {
  const probe = await measure(publish, LEAST);
  const wanted = Math.ceil((MEASURED_MS * 1000) / probe.cpu_us);
  const measured = await measure(publish, Math.min(MOST, Math.max(LEAST, wanted)));
  results.push({ name, ...measured });
}
console.log(JSON.stringify(results));

function prepare({ name, input, key, rules, principal }) {
  const manager = new RealtimeManager({ maxClients: 0, maxClientsPerAddress: 0, rules });
  const log = createMemoryLog();
  manager.follow(log);
  for (let n = 0; n < CLIENTS; n++) {
    const sink = { bufferedBytes: 0, write, close() {}, onDrain: (done) => done() };
    manager.registerClient(`c${n}`, sink, principal?.(n));
    manager.setSubscriptions(`c${n}`, { subscriptions: [key(n)], ...principal?.(n) });
  }
  const publish = async () => {
    log.append([createMessage(input)]);
    await manager.settled();
  };
  return { name, publish };
}

/** Returns the CPU time of this process for each publish, and the frames that each publish wrote. */
async function measure(publish, count) {
  const framesBefore = frames;
  const start = process.cpuUsage();
  for (let n = 0; n < count; n++) await publish();
  const { user, system } = process.cpuUsage(start);
  return { cpu_us: (user + system) / count, frames: (frames - framesBefore) / count };
}
