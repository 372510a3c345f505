// `npm run bench:cluster` compares Pocketwire over Redis, with one process and with two, with Pocketwire in memory and with
// Nchan, in interleaved rounds. It also measures the latency through Redis and the CPU time of Redis.
//
//   --rounds N             number of rounds (5)
//   --only a[,b]           only some of the tables: deliveries, latency, redis
//   --quick                one round with a tenth of the messages
import { parseArgs } from "node:util";
import { build, machine, measure, median, TOOLS } from "./measure.mjs";
import { LISTS, measureRedis } from "./redis-cost.mjs";
import { startRedis } from "./redis-server.mjs";
import { listClusters } from "./servers/clusters.mjs";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string" },
    only: { type: "string", default: "deliveries,latency,redis" },
    quick: { type: "boolean", default: false },
  },
});
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 5));
const ROUNDS = `${rounds} round${rounds === 1 ? "" : "s"}`;
const part = flags.quick ? 0.1 : 1;
const only = flags.only.split(",");
/** The latencies of the other servers are compared with the latency of this server. */
const BASE = "memory-1";
/** Messages a second of the table of latencies. Above 200 a second, a process reads from Redis at most every 5 ms. */
const RATES = [50, 500];

build();
const redis = await startRedis();
const servers = listClusters(TOOLS, redis);
console.log(`${machine().split(";")[0]}; server, Redis and load share the cores\n`);
if (only.includes("deliveries")) await deliveries();
if (only.includes("latency")) await latency();
if (only.includes("redis")) await redisCost();
process.exit(0);

/** Measures each server under each load in each round. Returns the results of a server and a load, in the order of the rounds. */
async function interleave(measured, loads) {
  const results = new Map();
  for (let round = 1; round <= rounds; round++) {
    for (const load of loads) {
      for (const server of measured) {
        await redis.flush();
        const { storePids } = server;
        const result = await measure(server, {
          ...load,
          ...(storePids && { "store-pids": storePids }),
        });
        const key = `${server.name}/${loads.indexOf(load)}`;
        results.set(key, [...(results.get(key) ?? []), result]);
        const { cpu_us: cpu, p50_us: p50, p99_us: p99 } = result;
        console.error(
          `round ${round}, ${server.name}, ${JSON.stringify(load)}: ${cpu} µs, p50 ${p50}, p99 ${p99}`,
        );
      }
    }
  }
  return (server, load) => results.get(`${server.name}/${loads.indexOf(load)}`);
}

async function deliveries() {
  const loads = [1, 16].map((window) => ({
    ...{ clients: 1000, window, size: 130, settle: 500 },
    ...{ messages: Math.ceil((window === 1 ? 400 : 2000) * part), warmup: Math.ceil(200 * part) },
  }));
  const of = await interleave(servers, loads);
  const cells = loads.map((load) => (server) => {
    const runs = of(server, load);
    const store = server.storePids ? median(values(runs, "store_cpu_us")).toFixed(0) : "";
    return [
      spread(values(runs, "cpu_us")),
      ratio(runs, nchanOf(server, of, load), "cpu_us"),
      Math.round(median(values(runs, "deliveries_per_s"))).toLocaleString("en"),
      store,
    ];
  });
  const head = ["µs CPU a delivery", "× Nchan", "deliveries/s", "Redis, µs CPU a message"];
  table(
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
        const milliseconds = values(runs, field).map((value) => value / 1000);
        return [spread(milliseconds), ratio(runs, of({ name: BASE }, load), field)];
      }),
    );
    return [server.title, ...cells];
  });
  const titles = RATES.flatMap((rate) =>
    [50, 99].flatMap((part) => [`${rate} messages/s: p${part}, ms`, "× memory"]),
  );
  table([`100 clients, ${ROUNDS}, medians (least to most)`, ...titles], rows);
}

async function redisCost() {
  const { appends, reads } = await measureRedis(redis, rounds);
  table(
    [`${ROUNDS}, medians (least to most)`, "Redis, µs CPU a message"],
    LISTS.map((size) => [`an append, ${size} in a call`, spread(appends.get(size))]),
  );
  table(
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

function values(runs, field) {
  return runs.map((run) => run[field]);
}

/** The median of the ratios within each round. */
function ratio(runs, base, field) {
  if (base === undefined) return "";
  return median(runs.map((run, round) => run[field] / base[round][field])).toFixed(2);
}

function spread(numbers, digits = 2) {
  const [middle, least, most] = [median(numbers), Math.min(...numbers), Math.max(...numbers)].map(
    (value) => value.toFixed(digits),
  );
  return `${middle} (${least} to ${most})`;
}

function table(head, rows) {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  console.log(`${lines.join("\n")}\n`);
}
