// `npm run bench:goals` measures what the goals of the performance need, and prints each goal with its figure and whether it is
// met. A ratio is computed within each round; the table has the median of the ratios. Ctrl-C ends the run and prints the goals
// that were measured so far.
//
//   --only a[,b]    only some of the groups: servers-1000, servers-10000, no-clients, cluster, workerd, filters
//   --rounds N      number of interleaved rounds of each group (5)
//   --quick         one round with a tenth of the messages, which only shows that everything runs
//   --timeout N     most seconds that connecting, the warm-up and the measurement may each take (120)
import { build } from "./build.mjs";
import { readFlags } from "./flags.mjs";
import { GROUPS } from "./goal-groups.mjs";
import { GOALS } from "./goals-list.mjs";
import { goalRow } from "./goals-table.mjs";
import { machine } from "./measure.mjs";
import { interruption, listFailures, runRounds } from "./rounds.mjs";
import { table } from "./statistics.mjs";

const flags = readFlags({
  only: Object.keys(GROUPS),
  rounds: "number",
  quick: false,
  timeout: "number",
});
const rounds = flags.rounds ?? (flags.quick ? 1 : 5);

build();
console.error(machine());
const signal = interruption();
const rows = [];
const notes = [];
for (const group of flags.only) {
  if (signal.aborted) break;
  console.error(`\n${group}: ${rounds} rounds`);
  const { results, problem } = await measureGroup(group);
  if (problem !== undefined) notes.push(`- ${group}: ${problem}`);
  notes.push(...listFailures(results).map((line) => line.replace("- ", `- ${group}: `)));
  const goals = GOALS.filter((goal) => goal.group === group);
  rows.push(...goals.map((goal) => goalRow(goal, results)));
}
const head = ["", "measured", "ratio", "goal", `${rounds} round${rounds === 1 ? "" : "s"}`];
console.log(
  `${machine()}\n\n${table(head, rows)}${notes.length === 0 ? "" : `\n${notes.join("\n")}\n`}`,
);
process.exit();

async function measureGroup(group) {
  try {
    const cases = await GROUPS[group](flags);
    return { results: await runRounds({ cases, rounds, signal }) };
  } catch (error) {
    return { results: new Map(), problem: error.message };
  }
}
