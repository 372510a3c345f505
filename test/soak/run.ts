/**
 * `npm run soak` runs a service under a mixed load for half an hour. The soak fails if memory, handles or files grow, or if a
 * client that resumes does not receive each message once and in order.
 *
 * SOAK_MINUTES (30), SOAK_RUNTIME (node or bun), SOAK_REDIS=1 (three processes over Redis) and SOAK_SEED choose the run. SOAK_LEAK=1024
 * makes the service on Node leak 1 KB with each stream. With this leak the soak must fail.
 */
import "./closing-fetch.ts";
import { mkdirSync, writeFileSync } from "node:fs";
import { judge, type Verdict } from "./judge.ts";
import { startSoaked } from "./service.ts";
import { readSettings, type SoakSettings } from "./settings.ts";
import { Soak, type SoakResult } from "./soak.ts";
import { HEAD, row, table } from "./table.ts";
import { VISITS } from "./visitors.ts";

/** The exit handlers of the services and of Redis end their processes. */
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.once(signal, () => process.exit(code));
}

const settings = settingsOrExit();
console.log(`soak: ${JSON.stringify(settings)}\n${HEAD}`);
const verdicts = await runSoak().catch((error: Error) => [
  { title: "the soak runs to its end", fault: error.stack ?? error.message },
]);
for (const { title, fault } of verdicts) {
  console.log(fault === undefined ? `ok: ${title}` : `FAILED: ${fault}`);
}
writeReport(verdicts);
process.exit(verdicts.some(({ fault }) => fault !== undefined) ? 1 : 0);

function settingsOrExit(): SoakSettings {
  try {
    return readSettings(process.env);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

async function runSoak(): Promise<Verdict[]> {
  const service = await startSoaked(settings);
  const soak = new Soak(service, settings);
  const result = await soak.run((sample) => console.log(row(sample)));
  await service.stop();
  console.log(`\n${table(result.samples)}\n`);
  const { samples, faults, ...counts } = result;
  console.log(JSON.stringify(counts));
  return [...judge(samples), ...judgeMessages(result), ...judgeLoad(result)];
}

function judgeMessages({ faults, gaps, deliveries, samples }: SoakResult): Verdict[] {
  const { lost, doubled, disordered, described } = faults;
  const messages = samples.at(-1)?.messages ?? 0;
  const counts = `${lost} lost, ${doubled} twice, ${disordered} out of order, ${gaps} gaps`;
  const title = `${messages} messages, ${deliveries} deliveries to the clients that stay: ${counts}`;
  const isExact = lost + doubled + disordered + gaps === 0 && messages > 0;
  return [{ title, ...(!isExact && { fault: [title, ...described].join("\n") }) }];
}

/** If the load did not contain a kind of client, the soak has not tested this kind. */
function judgeLoad({ visits, disconnects, cuts }: SoakResult): Verdict[] {
  const missing = Object.keys(VISITS).filter((name) => visits[name] === undefined);
  if ((disconnects.slow ?? 0) === 0) missing.push("a client that was cut because it did not read");
  if (cuts === 0) missing.push("cut connections");
  const title = "the load contained every kind of client";
  return [{ title, ...(missing.length > 0 && { fault: `The load had no ${missing.join(", ")}` }) }];
}

/** In CI, in the shape of Vitest's JSON report: `.ci/count.mjs` adds the reports up. */
function writeReport(all: readonly Verdict[]): void {
  if (process.env.CI === undefined) return;
  const failed = all.filter(({ fault }) => fault !== undefined).length;
  const assertionResults = all.map(({ title, fault }) => ({
    fullName: title,
    status: fault === undefined ? "passed" : "failed",
    failureMessages: fault === undefined ? [] : [fault],
  }));
  const report = {
    numPassedTests: all.length - failed,
    numFailedTests: failed,
    numPendingTests: 0,
    numFailedTestSuites: 0,
    testResults: [{ name: "test/soak/run.ts", status: "passed", assertionResults }],
  };
  mkdirSync(".cache/reports", { recursive: true });
  writeFileSync(".cache/reports/soak.json", JSON.stringify(report));
}
