// What a publish costs that nobody listens to, and what setting subscriptions does, by how many other topics are live. In one
// process and interleaved; only the core and the log, no HTTP.
import { createServer } from "../dist/index.js";
import { median } from "./measure.mjs";

const SINK = { bufferedBytes: 0, write: () => true, close() {}, drained: (taken) => taken() };
const ROUNDS = 9;
const COUNT = 20_000;

const servers = [10, 1000, 100_000].map((topics) => {
  const server = createServer({ maxClients: 0, maxClientsPerAddress: 0 });
  const manager = server.realtimeManager;
  for (let n = 0; n < topics; n++) {
    manager.registerClient(`c${n}`, SINK);
    manager.setSubscriptions(`c${n}`, { subscriptions: [`room/${n}/messages`] });
  }
  manager.registerClient("mover", SINK);
  return { topics, server, manager, publishes: [], subscribes: [] };
});

for (let round = 0; round <= ROUNDS; round++) {
  for (const { server, manager, publishes, subscribes } of servers) {
    const publish = await cpuOf(() => server.publish({ topic: "nobody/is/here", data: round }));
    const subscribe = await cpuOf((n) =>
      manager.setSubscriptions("mover", { subscriptions: [`one/${n % 2}`, "two"] }),
    );
    // The first warms up.
    if (round === 0) continue;
    publishes.push(publish);
    subscribes.push(subscribe);
  }
}

console.log(
  "| topics that somebody has | µs CPU a publish to another | µs CPU to set two subscriptions |",
);
console.log("|---|---|---|");
for (const { topics, publishes, subscribes } of servers) {
  const [publish, subscribe] = [publishes, subscribes].map((values) => median(values).toFixed(2));
  console.log(`| ${topics.toLocaleString("en")} | ${publish} | ${subscribe} |`);
}

async function cpuOf(run) {
  const start = process.cpuUsage();
  for (let n = 0; n < COUNT; n++) await run(n);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / COUNT;
}
