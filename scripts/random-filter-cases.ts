// Writes test/cases/records/random-cases.json: random filters with SQLite's answers, for the runtimes where sql.js is not tested.
// Usage: npx tsx scripts/random-filter-cases.ts [seed] [count]
import { writeFileSync } from "node:fs";
import { printFilter } from "../test/support/filter-oracle/tree.ts";
import { createOracle } from "../test/support/filter-oracle.ts";
import { seededRandom } from "../test/support/random.ts";
import { randomFilter } from "../test/support/random-filters.ts";
import { withoutUnused } from "../test/support/smallest-filter.ts";

const [seed = 1, count = 600] = process.argv.slice(2).map(Number);
const random = seededRandom(seed);
const oracle = await createOracle();
const lines = Array.from({ length: count }, () => {
  const { situation, filter } = withoutUnused(randomFilter(random));
  const expect = oracle.answer(situation, filter);
  return JSON.stringify({ group: "random", ...situation, filter: printFilter(filter), expect });
});
oracle.close();
const file = new URL("../test/cases/records/random-cases.json", import.meta.url);
writeFileSync(file, `[\n${lines.join(",\n")}\n]\n`);
