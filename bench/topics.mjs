// Measures what a publish to a topic without subscribers costs, and what setting subscriptions costs, while 10, 1,000
// or 100,000 other topics have subscribers. Everything runs in one process, without HTTP: only the core and the log.
import { createServer } from "../dist/index.js";
import { median } from "./statistics.mjs";

const SINK = { bufferedBytes: 0, write: () => true, close() {}, onDrain: (listener) => listener() };
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
    const publish = await cpuOf(() =>
      server.publish({ topic: "topic/without/subscribers", data: round }),
    );
    const subscribe = await cpuOf((n) =>
      manager.setSubscriptions("mover", { subscriptions: [`one/${n % 2}`, "two"] }),
    );
    // The first round warms up.
    if (round === 0) continue;
    publishes.push(publish);
    subscribes.push(subscribe);
  }
}

console.log(
  "| topics with subscribers | µs CPU a publish to another topic | µs CPU to set two subscriptions |",
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
