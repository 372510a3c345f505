// `npm run bench:filters` shows what a publish costs while 1,000 clients have 1, 10 or 1,000 distinct filters, `fields`, or
// rules. The first table is of the core alone, and the second is of the service on Node, with streams over loopback.
//
//   --rounds N             number of interleaved rounds (9 of the core, 3 of the service)
//   --only core|service    only one of the tables
//   --quick                one round with fewer messages
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CORE_CASES, SERVICE_CASES } from "./filter-cases.mjs";
import { build, machine, measure, median } from "./measure.mjs";
import { POCKETWIRE_ON_NODE } from "./servers/index.mjs";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string" },
    only: { type: "string" },
    quick: { type: "boolean", default: false },
  },
});
const roundsOr = (usual) => Number(flags.rounds ?? (flags.quick ? 1 : usual));
/** The other cases are compared with this one. */
const BASE = "no filter";

build();
console.log(`${machine()}\n`);
if (flags.only !== "service") core(roundsOr(9));
if (flags.only !== "core") await service(roundsOr(3));

function core(rounds) {
  const results = [];
  const script = fileURLToPath(new URL("filters-core.mjs", import.meta.url));
  for (let round = 1; round <= rounds; round++) {
    const { stdout, status } = spawnSync(process.execPath, [script, flags.quick ? "30" : "150"], {
      stdio: ["ignore", "pipe", "inherit"],
      encoding: "utf8",
      timeout: 60_000,
    });
    if (status !== 0) throw new Error(`filters-core.mjs exited with ${status}.`);
    results.push(JSON.parse(stdout));
    console.error(`core: round ${round} of ${rounds}`);
  }
  const runs = groupRounds(results);
  const rows = CORE_CASES.map(({ name }) => {
    const [{ frames }] = runs.get(name);
    const each = frames === 0 ? "" : (median(costs(runs.get(name))) / frames).toFixed(3);
    return [name, Math.round(frames), spread(runs.get(name)), ratio(runs, name), each];
  });
  table(
    [
      `the core, 1,000 clients, ${rounds} rounds, medians (least to most)`,
      "frames a publish",
      "µs CPU a publish",
      "× no filter",
      "µs CPU a frame",
    ],
    rows,
  );
}

async function service(rounds) {
  const windows = [1, 16];
  const results = windows.map(() => []);
  for (let round = 1; round <= rounds; round++) {
    for (const [index, window] of windows.entries()) {
      const measured = [];
      for (const { name, load } of SERVICE_CASES) {
        measured.push({ name, ...(await measureService({ ...load, window })) });
      }
      results[index].push(measured);
    }
    console.error(`service: round ${round} of ${rounds}`);
  }
  const [one, many] = results.map(groupRounds);
  table(
    [
      `the service, 1,000 clients, ${rounds} rounds, medians (least to most)`,
      "frames a publish",
      "one at a time, µs CPU a publish",
      "× no filter",
      "16 in flight, µs CPU a publish",
      "× no filter",
      "p50 / p99 one at a time, ms",
    ],
    SERVICE_CASES.map(({ name }) => [
      name,
      one.get(name)[0].frames,
      ...[one, many].flatMap((runs) => [spread(runs.get(name)), ratio(runs, name)]),
      ["p50_us", "p99_us"]
        .map((field) => (median(one.get(name).map((run) => run[field])) / 1000).toFixed(1))
        .join(" / "),
    ]),
  );
}

async function measureService(load) {
  const messages = flags.quick ? 50 : 120;
  const result = await measure(POCKETWIRE_ON_NODE, {
    ...load,
    messages,
    warmup: messages,
    settle: 100,
  });
  const frames = result.deliveries / messages;
  return { ...result, frames, cpu_us: result.cpu_us * frames };
}

/** Returns the results of each case, in the order of the rounds. */
function groupRounds(rounds) {
  const runs = new Map();
  for (const { name, ...result } of rounds.flat()) {
    runs.set(name, [...(runs.get(name) ?? []), result]);
  }
  return runs;
}

function costs(runs) {
  return runs.map(({ cpu_us: cost }) => cost);
}

/** The median of the ratios to the base within each round. */
function ratio(runs, name) {
  const base = costs(runs.get(BASE));
  return median(costs(runs.get(name)).map((cost, round) => cost / base[round])).toFixed(2);
}

function spread(runs) {
  const values = costs(runs);
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map(
    (value) => (value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en")),
  );
  return `${middle} (${least} to ${most})`;
}

function table(head, rows) {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  console.log(`${lines.join("\n")}\n`);
}
