// `npm run bench:scale` shows how cost grows with the number of clients, the size of messages, the subscription keys of
// a client and the number of live topics.
//
//   --rounds N   prints medians of N interleaved rounds (1)
//   --quick      measures at most 500 clients, with a tenth of the messages
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { build } from "./build.mjs";
import { readFlags } from "./flags.mjs";
import { machine, measure } from "./measure.mjs";
import { interruption, listFailures, runRounds } from "./rounds.mjs";
import { listServers, WORKERD } from "./servers/index.mjs";
import { latency, middle, table } from "./statistics.mjs";

const flags = readFlags({ rounds: "number", quick: false });
const rounds = flags.rounds ?? 1;
const RUNTIMES = ["pocketwire-node", "pocketwire-bun"];
/** The limit of open files allows this many connections. The process keeps 100 files for itself. */
const mostClients =
  Number(spawnSync("bash", ["-c", "ulimit -Hn"], { encoding: "utf8" }).stdout) - 100;

build();
const servers = listServers(RUNTIMES.join(","));
const signal = interruption();
console.log(`${machine()}; medians of ${rounds} round(s)\n`);

const all = flags.quick ? [50, 500] : [50, 500, 5000, 50_000];
const counts = [...new Set(all.map((count) => Math.min(count, mostClients)))];
if (counts.at(-1) !== all.at(-1))
  console.log(
    `Fewer clients than planned: a process may open ${mostClients + 100} files here (ulimit -Hn).\n`,
  );
await grow("clients", counts, (clients) => ({ load: { clients, ...messagesFor(clients) } }));
await grow("bytes of a message, 500 clients", [50, 500, 5000, 50_000], (size) => ({
  load: { clients: 500, size, ...messagesFor(500 * Math.ceil(size / 1000)) },
}));
await grow("keys of a client, 500 clients, messages match one key", [1, 10, 100, 1000], (keys) => ({
  load: { clients: 500, ...messagesFor(500) },
  path: `/api/realtime?topic=msg${Array.from({ length: keys - 1 }, (_, n) => `&topic=k${n}`).join("")}`,
}));
await workers();
if (!signal.aborted) {
  const topics = fileURLToPath(new URL("topics.mjs", import.meta.url));
  spawnSync(process.execPath, [topics], { stdio: "inherit" });
}
process.exit();

function messagesFor(clients) {
  const messages = Math.min(2000, Math.ceil((flags.quick ? 100_000 : 1_000_000) / clients));
  return { messages, warmup: Math.ceil(messages / 3), settle: 500 };
}

/** Measures the Worker and its hub together, because workerd runs both in one process. */
async function workers() {
  const load = { clients: 500, messages: 200, warmup: 50, settle: 1000 };
  const windows = [1, 16].map((window) => ({
    name: `${window} in flight`,
    run: (interrupted) => measure(WORKERD, { ...load, window }, interrupted),
  }));
  const results = await rounded(windows);
  const rows = [...results].map(([name, runs]) => [
    name,
    middle(runs, "cpu_us", { digits: 1 }),
    latency(runs),
    middle(runs, "cpu_us_connect"),
  ]);
  const head = ["µs CPU a delivery", "p50 / p99, ms", "µs CPU a connect"];
  console.log(table(["in workerd, 500 clients", ...head], rows));
}

/** Prints a table with a row for each value. `of` returns the load, and the path of the streams if it is another one. */
async function grow(title, grown, of) {
  const caseName = (value, server, window) => `${server}, ${value} ${title}, ${window} in flight`;
  const cases = grown.flatMap((value) =>
    servers.flatMap((server) =>
      [1, 16].map((window) => ({
        name: caseName(value, server.name, window),
        run: (interrupted) => measureOne(server, of(value), window, interrupted),
      })),
    ),
  );
  const results = await rounded(cases);
  const head = [
    ...["µs CPU a delivery", "with 16 in flight", "KB a connection"],
    "µs CPU a connect",
  ];
  const rows = grown.map((value) => {
    const cells = RUNTIMES.flatMap((name) => {
      const [one, many] = [1, 16].map((window) => results.get(caseName(value, name, window)));
      return [
        middle(one, "cpu_us", { digits: 2 }),
        middle(many, "cpu_us", { digits: 2 }),
        middle(one, "bytes_per_client", { divisor: 1024, digits: 1 }),
        middle(one, "cpu_us_connect"),
      ];
    });
    return [value.toLocaleString("en"), ...cells];
  });
  const titles = RUNTIMES.flatMap((name) => [`${name}: ${head[0]}`, ...head.slice(1)]);
  console.log(table([title, ...titles], rows));
}

function measureOne(server, { load, path }, window, interrupted) {
  const args = path === undefined ? server.args : [...server.args, "--path", path];
  const messages = window === 1 ? load.messages : load.messages * 2;
  const { command, name } = server;
  return measure({ name, command, args }, { ...load, window, messages }, interrupted);
}

async function rounded(cases) {
  const results = await runRounds({ cases, rounds, signal });
  const failures = listFailures(results);
  if (failures.length > 0) console.log(`${failures.join("\n")}\n`);
  return results;
}
