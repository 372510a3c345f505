// `npm run bench:scale` shows how cost grows with the number of clients, the size of messages, the subscription keys of
// a client and the number of live topics.
//
//   --rounds N   prints medians of N interleaved rounds (1)
//   --quick      measures at most 500 clients, with a tenth of the messages
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build, machine, measure, median, TOOLS } from "./measure.mjs";
import { listServers } from "./servers/index.mjs";

const { values: flags } = parseArgs({
  options: { rounds: { type: "string", default: "1" }, quick: { type: "boolean", default: false } },
});
const rounds = Number(flags.rounds);
const RUNTIMES = ["pocketwire-node", "pocketwire-bun"];
/** The limit of open files allows this many connections. The process keeps 100 files for itself. */
const mostClients =
  Number(spawnSync("bash", ["-c", "ulimit -Hn"], { encoding: "utf8" }).stdout) - 100;

build();
const servers = listServers(TOOLS).filter(({ name }) => RUNTIMES.includes(name));
console.log(`${machine()}; medians of ${rounds} round(s)\n`);

const all = flags.quick ? [50, 500] : [50, 500, 5000, 50_000];
const counts = [...new Set(all.map((count) => Math.min(count, mostClients)))];
if (counts.at(-1) !== all.at(-1))
  console.log(
    `Fewer clients than planned: a process may open ${mostClients + 100} files here (ulimit -Hn).\n`,
  );
await table("clients", counts, (clients) => ({ load: { clients, ...messagesFor(clients) } }));
await table("bytes of a message, 500 clients", [50, 500, 5000, 50_000], (size) => ({
  load: { clients: 500, size, ...messagesFor(500 * Math.ceil(size / 1000)) },
}));
await table(
  "keys of a client, 500 clients, messages match one key",
  [1, 10, 100, 1000],
  (keys) => ({
    load: { clients: 500, ...messagesFor(500) },
    path: `/api/realtime?topic=msg${Array.from({ length: keys - 1 }, (_, n) => `&topic=k${n}`).join("")}`,
  }),
);
await workers();
const topics = fileURLToPath(new URL("topics.mjs", import.meta.url));
spawnSync(process.execPath, [topics], { stdio: "inherit" });

function messagesFor(clients) {
  const messages = Math.min(2000, Math.ceil((flags.quick ? 100_000 : 1_000_000) / clients));
  return { messages, warmup: Math.ceil(messages / 3), settle: 500 };
}

/** Measures the Worker and its hub together, because workerd runs both in one process. */
async function workers() {
  const [server] = listServers(TOOLS, "workerd");
  const load = { clients: 500, messages: 200, warmup: 50, settle: 1000 };
  console.log(
    "| in workerd, 500 clients | µs CPU a delivery | p50 / p99, ms | µs CPU a connect |\n|---|---|---|---|",
  );
  for (const window of [1, 16]) {
    const runs = [];
    for (let round = 0; round < rounds; round++)
      runs.push(await measure(server, { ...load, window }));
    const middle = (field) => median(runs.map((run) => run[field]));
    const latency = ["p50_us", "p99_us"]
      .map((field) => (middle(field) / 1000).toFixed(1))
      .join(" / ");
    console.log(
      `| ${window} in flight | ${middle("cpu_us").toFixed(1)} | ${latency} | ${middle("cpu_us_connect").toFixed(0)} |`,
    );
  }
  console.log("");
}

async function table(title, values, of) {
  console.log(
    `| ${title} | ${RUNTIMES.map((name) => `${name}: µs CPU a delivery | with 16 in flight | KB a connection | µs CPU a connect`).join(" | ")} |`,
  );
  console.log(`|${"---|".repeat(1 + 4 * RUNTIMES.length)}`);
  const cells = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const value of values) {
      for (const server of servers) {
        const { load, path } = of(value);
        const args = path === undefined ? server.args : [...server.args, "--path", path];
        const one = await measure({ ...server, args }, { ...load, window: 1 });
        const many = await measure(
          { ...server, args },
          { ...load, window: 16, messages: load.messages * 2 },
        );
        const key = `${value}/${server.name}`;
        cells.set(key, [...(cells.get(key) ?? []), { one, many }]);
      }
    }
  }
  for (const value of values) {
    const row = RUNTIMES.flatMap((name) => {
      const runs = cells.get(`${value}/${name}`) ?? [];
      const ones = runs.map(({ one }) => one);
      const middle = (list, field) => median(list.map((run) => run[field]));
      return [
        middle(ones, "cpu_us").toFixed(2),
        middle(
          runs.map(({ many }) => many),
          "cpu_us",
        ).toFixed(2),
        (middle(ones, "bytes_per_client") / 1024).toFixed(1),
        middle(ones, "cpu_us_connect").toFixed(0),
      ];
    });
    console.log(`| ${value.toLocaleString("en")} | ${row.join(" | ")} |`);
  }
  console.log("");
}
