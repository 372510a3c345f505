// Fails if a runtime dependency has a known vulnerability of severity high or critical. Some registries, such as
// mirrors, do not serve advisories. The script then reports that nothing was checked, and succeeds.
import { spawnSync } from "node:child_process";

const run = spawnSync("npm", ["audit", "--omit=dev", "--json"], {
  encoding: "utf8",
  timeout: 120_000,
});
const counts = readCounts(run.stdout ?? "");
if (counts === undefined) {
  const reason = run.error?.message ?? firstLine(run.stderr) ?? `npm exited with ${run.status}`;
  console.log(`npm audit: NOT CHECKED, because the registry sent no report (${reason})`);
} else {
  const { info = 0, low = 0, moderate = 0, high = 0, critical = 0 } = counts;
  const others = info + low + moderate;
  console.log(`npm audit: ${critical} critical, ${high} high, ${others} lesser vulnerabilities`);
  if (critical + high > 0) {
    console.log("Run `npm audit --omit=dev` for the list, and update the packages that it names.");
    process.exitCode = 1;
  }
}

/** Returns the number of vulnerabilities by severity, or undefined if `text` is not a report. */
function readCounts(text) {
  try {
    return JSON.parse(text).metadata?.vulnerabilities;
  } catch {
    return undefined;
  }
}

function firstLine(text = "") {
  return text.split("\n").find((line) => line.trim() !== "");
}
