// `npm run bench:cluster` compares Pocketwire over Redis, with one process and with two, with Pocketwire in memory and with
// Nchan, in interleaved rounds. It also measures the latency through Redis and the CPU time of Redis.
//
//   --rounds N             number of rounds (5)
//   --only a[,b]           only some of the tables: deliveries, latency, redis
//   --quick                one round with a tenth of the messages
import { build } from "./build.mjs";
import { readFlags } from "./flags.mjs";
import { clusterLoad, WINDOWS } from "./loads.mjs";
import { machine, measure } from "./measure.mjs";
import { LISTS, measureRedis } from "./redis-cost.mjs";
import { startRedis } from "./redis-server.mjs";
import { interruption, listFailures, runRounds } from "./rounds.mjs";
import { listClusters } from "./servers/clusters.mjs";
import { cell, median, middle, ratio, spread, table, values } from "./statistics.mjs";

const flags = readFlags({
  rounds: "number",
  only: ["deliveries", "latency", "redis"],
  quick: false,
});
const rounds = flags.rounds ?? (flags.quick ? 1 : 5);
const ROUNDS = `${rounds} round${rounds === 1 ? "" : "s"}`;
const part = flags.quick ? 0.1 : 1;
const { only } = flags;
/** The latencies of the other servers are compared with the latency of this server. */
const BASE = "memory-1";
/** Messages a second of the table of latencies. Above 200 a second, a process reads from Redis at most every 5 ms. */
const RATES = [50, 500];

build();
const redis = await startRedis();
const servers = listClusters(redis);
const signal = interruption();
console.log(`${machine().split(";")[0]}; server, Redis and load share the cores\n`);
if (only.includes("deliveries")) await deliveries();
if (only.includes("latency") && !signal.aborted) await latency();
if (only.includes("redis") && !signal.aborted) {
  // These tables need all their rounds. The tables above are printed already.
  signal.addEventListener("abort", () => process.exit());
  await redisCost();
}
process.exit();

/** Measures each server under each load in each round. Returns a function that finds the results of a server and a load. */
async function interleave(measured, loads) {
  const caseName = (server, load) => `${server.name}, ${JSON.stringify(load)}`;
  const cases = loads.flatMap((load) =>
    measured.map((server) => ({
      name: caseName(server, load),
      run: (interrupted) => onEmptyRedis(server, load, interrupted),
    })),
  );
  const results = await runRounds({ cases, rounds, signal });
  const failures = listFailures(results);
  if (failures.length > 0) console.log(`${failures.join("\n")}\n`);
  return (server, load) => results.get(caseName(server, load));
}

async function onEmptyRedis(server, load, interrupted) {
  await redis.flush();
  const { storePids } = server;
  return measure(server, { ...load, ...(storePids && { "store-pids": storePids }) }, interrupted);
}

async function deliveries() {
  const loads = WINDOWS.map((window) => clusterLoad(window, flags));
  const of = await interleave(servers, loads);
  const cells = loads.map((load) => (server) => {
    const runs = of(server, load);
    return [
      cell(runs, "cpu_us"),
      ratio(runs, nchanOf(server, of, load), "cpu_us"),
      middle(runs, "deliveries_per_s"),
      server.storePids ? middle(runs, "store_cpu_us") : "",
    ];
  });
  const head = ["µs CPU a delivery", "× Nchan", "deliveries/s", "Redis, µs CPU a message"];
  print(
    [
      `1,000 clients, 130-byte events, ${ROUNDS}, medians (least to most)`,
      ...head.map((title) => `one at a time: ${title}`),
      ...head.map((title) => `16 in flight: ${title}`),
    ],
    servers.map((server) => [server.title, ...cells.flatMap((cell) => cell(server))]),
  );
}

/** The results of Nchan with as many processes. Undefined for Nchan itself, and where it is not installed. */
function nchanOf({ name }, of, load) {
  const nchan = `nchan-${name.split("-")[1]}`;
  return name === nchan ? undefined : of({ name: nchan }, load);
}

async function latency() {
  const measured = servers.filter(({ name }) => !name.startsWith("nchan"));
  const loads = RATES.map((rate) => ({
    ...{ clients: 100, window: 16, size: 130, settle: 500, every: 1000 / rate },
    ...{ messages: Math.ceil(rate * 6 * part), warmup: Math.ceil(rate * 2 * part) },
  }));
  const of = await interleave(measured, loads);
  const rows = measured.map((server) => {
    const cells = loads.flatMap((load) =>
      ["p50_us", "p99_us"].flatMap((field) => {
        const runs = of(server, load);
        const inMilliseconds = (value) => (value / 1000).toFixed(2);
        return [cell(runs, field, inMilliseconds), ratio(runs, of({ name: BASE }, load), field)];
      }),
    );
    return [server.title, ...cells];
  });
  const titles = RATES.flatMap((rate) =>
    [50, 99].flatMap((part) => [`${rate} messages/s: p${part}, ms`, "× memory"]),
  );
  print([`100 clients, ${ROUNDS}, medians (least to most)`, ...titles], rows);
}

async function redisCost() {
  const { appends, reads } = await measureRedis(redis, rounds);
  print(
    [`${ROUNDS}, medians (least to most)`, "Redis, µs CPU a message"],
    LISTS.map((size) => [`an append, ${size} in a call`, spread(appends.get(size))]),
  );
  print(
    [
      `lists of 10 at a steady rate, ${ROUNDS}, medians (least to most)`,
      "each process that reads adds to Redis, µs CPU a message",
      "a process without clients, µs CPU a message",
      "Redis sends each process, bytes a message",
    ],
    reads.map(({ rate, readers, runs }) => [
      `${rate.toLocaleString("en")} messages/s, ${readers} ${readers === 1 ? "process" : "processes"}`,
      spread(values(runs, "redis")),
      spread(values(runs, "reader")),
      median(values(runs, "bytes")).toFixed(0),
    ]),
  );
}

function print(head, rows) {
  console.log(table(head, rows));
}
