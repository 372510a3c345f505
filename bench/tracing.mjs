// Measures what tracing costs, in interleaved rounds: the service without tracing, with a real SDK, and an SDK that records 1 % of
// the traces.
//
//   --rounds N      number of rounds (5)
//   --base FOLDER   also measures the build of another checkout, such as the commit before a change
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, machine, measure, median } from "./measure.mjs";
import { POCKETWIRE_ON_NODE } from "./servers/index.mjs";

const { values: flags } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, base: { type: "string" } },
});

/** One client: nearly all of the work is that of the publish. */
const LOADS = [
  { clients: 1, window: 16, messages: 20_000, warmup: 2000, settle: 200 },
  { clients: 1000, window: 1, messages: 1000, warmup: 200, settle: 1000 },
  { clients: 1000, window: 16, messages: 3000, warmup: 300, settle: 1000 },
];

const [program, ...words] = POCKETWIRE_ON_NODE.command;
const file = words.at(-1);
const withFile = (path) => [program, ...words.slice(0, -1), path];
const traced = withFile(file.replace("pocketwire-node", "pocketwire-traced"));
const servers = [
  POCKETWIRE_ON_NODE,
  { ...POCKETWIRE_ON_NODE, name: "traced", command: traced },
  { ...POCKETWIRE_ON_NODE, name: "1 % sampled", command: traced, env: { SAMPLED: "0.01" } },
];
if (flags.base !== undefined) {
  const command = withFile(join(flags.base, "bench/servers/pocketwire-node.mjs"));
  servers.push({ ...POCKETWIRE_ON_NODE, name: "base", command });
}

build();
console.log(machine());
for (const load of LOADS) {
  const runs = new Map(servers.map(({ name }) => [name, []]));
  for (let round = 0; round < Number(flags.rounds); round++) {
    // The first server of a round changes, so that no server is always measured after the same one.
    for (let index = 0; index < servers.length; index++) {
      const server = servers[(index + round) % servers.length];
      runs.get(server.name).push((await measure(server, load)).cpu_us);
    }
  }
  const off = runs.get(POCKETWIRE_ON_NODE.name);
  for (const [name, values] of runs) {
    const ratio = median(values.map((value, round) => value / off[round])).toFixed(3);
    const range = `${Math.min(...values)} to ${Math.max(...values)}`;
    console.log(
      `${load.clients} clients, ${load.window} in flight: ${name} ${median(values).toFixed(2)} µs a delivery (${range}), ${ratio} of ${POCKETWIRE_ON_NODE.name}`,
    );
  }
}
