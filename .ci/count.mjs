// `node .ci/count.mjs FOLDER FAILED_STEPS` adds up the test runners' reports in FOLDER and prints the totals.
// FAILED_STEPS is the number of failed steps of .ci/run. Exits with 1 if a test or a step failed.
// The failed tests are named at the end, because a log may be cut at its beginning.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { failuresOf } from "./failures.mjs";

const [folder, failedSteps] = process.argv.slice(2);
/** A missing report counts as a failure, because a runner that crashes writes no report. */
const EXPECTED = [
  "test.json",
  "long.json",
  "bun.json",
  "bun.xml",
  "browser.json",
  "proxies.json",
  "deploy.json",
  "release.json",
  "soak.json",
  "readme.json",
];

const counts = { passed: 0, failed: 0, skipped: 0 };
const found = readdirSync(folder);
const failures = [];
for (const name of found) {
  const text = readFileSync(join(folder, name), "utf8");
  try {
    const report = name.endsWith(".xml") ? readJUnit(text) : readVitest(JSON.parse(text));
    console.log(
      `${name}: ${report.passed} passed, ${report.failed} failed, ${report.skipped} skipped`,
    );
    for (const kind of Object.keys(counts)) counts[kind] += report[kind];
    failures.push(...failuresOf(name, text));
  } catch (error) {
    // A runner that was killed leaves a part of its report.
    console.log(`${name}: the report can't be read: ${error.message}`);
    counts.failed += 1;
  }
}
const missing = EXPECTED.filter((name) => !found.includes(name));
for (const name of missing) console.log(`${name}: the report is missing`);
counts.failed += missing.length;
// A step can fail without a failed test, for example lint, types or a crash of the runner.
if (counts.failed === 0) counts.failed = Number(failedSteps);
for (const failure of failures) console.log(failure);
const skipped = counts.skipped === 0 ? "" : `, ${counts.skipped} skipped`;
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exit(counts.failed === 0 ? 0 : 1);

function readVitest({ numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites }) {
  // A test file that cannot be loaded counts as a failed suite without failed tests.
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
