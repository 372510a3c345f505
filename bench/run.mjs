// `npm run bench` compares Pocketwire with other servers, in interleaved rounds: each round measures every server once,
// so that a slow minute of the machine affects all of them. A server that fails in a round gets a line that says why, and
// Ctrl-C ends the run with the table of what was measured so far.
//
//   --quick               one round with 500 clients and a tenth of the messages
//   --rounds N            number of rounds (5)
//   --clients N[,N]       numbers of clients (1000)
//   --only name[,name]    only these servers (names as in servers/index.mjs; `node` and `bun` are Pocketwire's)
//   --servers FILE        the servers that a module exports as `servers`, instead of those of servers/index.mjs
//   --timeout N           most seconds that connecting, the warm-up and the measurement may each take (120)
//   --report              writes the table and the chart into docs/performance.md and docs/performance.svg
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, buildTools, TOOLS } from "./build.mjs";
import { readFlags } from "./flags.mjs";
import { comparisonLoad, titleOf, WINDOWS } from "./loads.mjs";
import { machine, measure } from "./measure.mjs";
import { chart, section } from "./report.mjs";
import { interruption, listFailures, runRounds } from "./rounds.mjs";
import { listServers } from "./servers/index.mjs";

const flags = readFlags({
  quick: false,
  rounds: "number",
  clients: "numbers",
  only: "text",
  servers: "text",
  timeout: "number",
  report: false,
});
const rounds = flags.rounds ?? (flags.quick ? 1 : 5);
const clientCounts = flags.clients ?? [flags.quick ? 500 : 1000];
/** Line of docs/performance.md. --report replaces everything below it. */
const REPORT_MARK = "<!-- bench: from here on `npm run bench -- --report` writes -->";

const servers =
  flags.servers === undefined
    ? listServers(flags.only)
    : (await import(pathToFileURL(resolve(flags.servers)))).servers;
if (servers.some(({ name }) => name.startsWith("pocketwire-"))) build();
else buildTools();
console.error(machine());

const signal = interruption();
const measured = [];
for (const clients of clientCounts) {
  if (signal.aborted) break;
  const results = await runRounds({ cases: casesOf(clients), rounds, signal });
  const of = (name, window) => results.get(caseName(name, window)) ?? [];
  measured.push({ clients, results, of });
}
const failures = measured.flatMap(({ results }) => listFailures(results));
const parts = measured.map(({ clients, of }) => section(clients, servers, of));
const text = [machine(), "", ...parts, ...(failures.length === 0 ? [] : [...failures, ""])].join(
  "\n",
);
console.log(text);
const kept = measured.map(({ clients, results }) => ({
  clients,
  results: Object.fromEntries(results),
}));
writeFileSync(join(TOOLS, "results.json"), JSON.stringify(kept, null, 1));
if (flags.report && !signal.aborted) writeReport();
process.exit();

function casesOf(clients) {
  const able = servers.filter(({ mostClients }) => !(clients > mostClients));
  return WINDOWS.flatMap((window) =>
    able.map((server) => ({
      name: caseName(server.name, window),
      run: (interrupted) => measure(server, comparisonLoad(clients, window, flags), interrupted),
    })),
  );
}

function caseName(server, window) {
  return `${server}, ${titleOf(window)}`;
}

function writeReport() {
  const docs = fileURLToPath(new URL("../docs", import.meta.url));
  const page = join(docs, "performance.md");
  const [before = ""] = readFileSync(page, "utf8").split(REPORT_MARK);
  const picture = "![CPU per delivery](performance.svg)";
  writeFileSync(page, `${before}${REPORT_MARK}\n\n${text}\n${picture}\n`);
  const [{ clients, of }] = measured;
  writeFileSync(join(docs, "performance.svg"), chart(clients, servers, of));
}
