// `npm run bench:filters` shows what a publish costs while 1,000 clients have 1, 10 or 1,000 distinct filters, `fields`, or
// rules. The first table is of the core alone, and the second is of the service on Node, with streams over loopback.
//
//   --rounds N             number of interleaved rounds (9 of the core, 3 of the service)
//   --only core|service    only one of the tables
//   --quick                one round with fewer messages
import { spawnSync } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "./build.mjs";
import { CORE_CASES, SERVICE_CASES } from "./filter-cases.mjs";
import { readFlags } from "./flags.mjs";
import { machine, measure } from "./measure.mjs";
import { interruption, listFailures, runRounds } from "./rounds.mjs";
import { POCKETWIRE_ON_NODE } from "./servers/index.mjs";
import { cell, latency, median, ratio, spread, table } from "./statistics.mjs";

const flags = readFlags({ rounds: "number", only: ["core", "service"], quick: false });
const roundsOr = (usual) => flags.rounds ?? (flags.quick ? 1 : usual);
/** The other cases are compared with this one. */
const BASE = "no filter";

build();
const signal = interruption();
console.log(`${machine()}\n`);
if (flags.only.includes("core")) await core(roundsOr(9));
if (flags.only.includes("service") && !signal.aborted) await service(roundsOr(3));
process.exit();

async function core(rounds) {
  const results = [];
  const script = fileURLToPath(new URL("filters-core.mjs", import.meta.url));
  for (let round = 1; round <= rounds; round++) {
    const { stdout, status } = spawnSync(process.execPath, [script, flags.quick ? "30" : "150"], {
      stdio: ["ignore", "pipe", "inherit"],
      encoding: "utf8",
      timeout: 60_000,
    });
    // A signal that arrived during the call above is handled in this pause.
    await pause(0);
    if (signal.aborted) return;
    if (status !== 0) throw new Error(`filters-core.mjs exited with ${status}.`);
    results.push(JSON.parse(stdout));
    console.error(`core: round ${round} of ${rounds}`);
  }
  const runs = new Map();
  for (const { name, ...result } of results.flat()) {
    runs.set(name, [...(runs.get(name) ?? []), result]);
  }
  const rows = CORE_CASES.map(({ name }) => {
    const costs = runs.get(name).map(({ cpu_us: cost }) => cost);
    const [{ frames }] = runs.get(name);
    const each = frames === 0 ? "" : (median(costs) / frames).toFixed(3);
    const relative = ratio(runs.get(name), runs.get(BASE), "cpu_us");
    return [name, Math.round(frames), spread(costs, short), relative, each];
  });
  print(
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
  const caseName = (name, window) => `${name}, ${window} in flight`;
  const cases = [1, 16].flatMap((window) =>
    SERVICE_CASES.map(({ name, load }) => ({
      name: caseName(name, window),
      run: (interrupted) => measureService({ ...load, window }, interrupted),
    })),
  );
  const results = await runRounds({ cases, rounds, signal });
  const of = (name, window) => results.get(caseName(name, window));
  print(
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
      of(name, 1)[0]?.frames ?? "",
      ...[1, 16].flatMap((window) => [
        cell(of(name, window), "cpu_us_message", short),
        ratio(of(name, window), of(BASE, window), "cpu_us_message"),
      ]),
      latency(of(name, 1)),
    ]),
  );
  const failures = listFailures(results);
  if (failures.length > 0) console.log(`${failures.join("\n")}\n`);
}

async function measureService(load, interrupted) {
  const messages = flags.quick ? 50 : 120;
  const loadOptions = { ...load, messages, warmup: messages, settle: 100 };
  const result = await measure(POCKETWIRE_ON_NODE, loadOptions, interrupted);
  return { ...result, frames: result.deliveries / messages };
}

function short(value) {
  return value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
}

function print(head, rows) {
  console.log(table(head, rows));
}
