// `npm run bench` compares Pocketwire with other servers, in interleaved rounds: each round measures every server once,
// so that a slow minute of the machine affects all of them.
//
//   --quick               one round with 500 clients and a tenth of the messages
//   --rounds N            number of rounds (5)
//   --clients N[,N]       numbers of clients (1000)
//   --only name[,name]    only these servers (names as in servers/index.mjs; `node` and `bun` are Pocketwire's)
//   --report              writes the table and the chart into docs/performance.md and docs/performance.svg
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build, machine, measure, TOOLS } from "./measure.mjs";
import { report } from "./report.mjs";
import { chooseServers, listServers } from "./servers/index.mjs";

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    clients: { type: "string" },
    only: { type: "string" },
    report: { type: "boolean", default: false },
  },
});
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 5));
const clientCounts = (flags.clients ?? (flags.quick ? "500" : "1000")).split(",").map(Number);
/** Line of docs/performance.md. --report replaces everything below it. */
const REPORT_MARK = "<!-- bench: from here on `npm run bench -- --report` writes -->";
/** Numbers of messages in flight at once. */
const WINDOWS = [1, 16];

build();
const servers = chooseServers(listServers(TOOLS), flags.only);
console.error(machine());
const results = [];
for (const clients of clientCounts) {
  for (let round = 1; round <= rounds; round++) {
    for (const window of WINDOWS) {
      for (const server of servers) {
        if (clients > (server.mostClients ?? Number.POSITIVE_INFINITY)) continue;
        const measured = await measure(server, loadOf(clients, window));
        results.push({ server: server.name, round, ...measured });
        const { cpu_us: cpu, p99_us: p99 } = measured;
        console.error(
          `round ${round}, ${clients} clients, ${window} in flight: ${server.name} ${cpu} µs a delivery, p99 ${p99} µs`,
        );
      }
    }
  }
}
const { table, chart } = report({ results, servers, machine: machine() });
console.log(table);
writeFileSync(join(TOOLS, "results.json"), JSON.stringify(results, null, 1));
if (flags.report) {
  const docs = fileURLToPath(new URL("../docs", import.meta.url));
  const page = join(docs, "performance.md");
  const [before = ""] = readFileSync(page, "utf8").split(REPORT_MARK);
  const picture = "![CPU per delivery](performance.svg)";
  writeFileSync(page, `${before}${REPORT_MARK}\n\n${table}\n${picture}\n`);
  writeFileSync(join(docs, "performance.svg"), chart);
}

function loadOf(clients, window) {
  const scale = Math.min(1, 1000 / clients) * (flags.quick ? 0.1 : 1);
  return {
    clients,
    window,
    messages: Math.ceil((window === 1 ? 1000 : 3000) * scale),
    warmup: Math.ceil(300 * scale),
    settle: flags.quick ? 200 : 1500,
  };
}
