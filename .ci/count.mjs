// Adds up the runners' reports: `node .ci/count.mjs FOLDER FAILED_STEPS`. Exits with 1 when anything failed.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [folder, failedSteps] = process.argv.slice(2);
/** Reports that must be there: a runner that died before it could count is a failure too. */
const EXPECTED = [
  "test.json",
  "long.json",
  "bun.json",
  "bun.xml",
  "browser.json",
  "proxies.json",
  "readme.json",
];

const counts = { passed: 0, failed: 0, skipped: 0 };
const found = readdirSync(folder);
for (const name of found) {
  const text = readFileSync(join(folder, name), "utf8");
  const report = name.endsWith(".xml") ? readJUnit(text) : readVitest(JSON.parse(text));
  console.log(
    `${name}: ${report.passed} passed, ${report.failed} failed, ${report.skipped} skipped`,
  );
  for (const kind of Object.keys(counts)) counts[kind] += report[kind];
}
const missing = EXPECTED.filter((name) => !found.includes(name));
for (const name of missing) console.log(`${name}: there is no report`);
counts.failed += missing.length;
// A step can fail without a failing test: lint, types, a crash of the runner.
if (counts.failed === 0) counts.failed = Number(failedSteps);
const skipped = counts.skipped === 0 ? "" : `, ${counts.skipped} skipped`;
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exit(counts.failed === 0 ? 0 : 1);

function readVitest({ numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites }) {
  // A file that could not be loaded has no tests that failed.
  const failed = numFailedTests === 0 ? numFailedTestSuites : numFailedTests;
  return { passed: numPassedTests, failed, skipped: numPendingTests };
}

function readJUnit(xml) {
  const root = /<testsuites[^>]*>/.exec(xml)?.[0] ?? "";
  const count = (name) => Number(new RegExp(`${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
  const failed = count("failures") + count("errors");
  const skipped = count("skipped");
  return { passed: count("tests") - failed - skipped, failed, skipped };
}
