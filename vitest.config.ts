import { defineConfig } from "vitest/config";
import { NO_REDIS } from "./test/support/no-redis.ts";

/** CI adds the report up; people read the lines. */
export const reporters = (name: string): ["default", ...["json", { outputFile: string }][]] =>
  process.env.CI === undefined
    ? ["default"]
    : ["default", ["json", { outputFile: `.cache/reports/${name}.json` }]];

type Runtime = "node" | "bun" | "workerd" | "cluster";

/** Suites about a process. A Worker has none: Cloudflare starts, measures and stops it. */
const OF_A_PROCESS = [
  "churn",
  "client-kills",
  "cluster-chaos",
  "cluster-loss",
  "cluster-presence",
  "cluster-tells",
  "data",
  "data-chaos",
  "ends",
  "flood",
  "open-files",
  "redis",
  "resources",
  "restart",
  "start",
  "tracing",
  "waiting",
  "workers",
];

/**
 * The files of a folder on one runtime: those that every runtime runs, and those of the runtime's own subfolder. The files
 * read the variable RUNTIME (`test/support/runtimes.ts`).
 */
export function projectOf(runtime: Runtime, folder: string, exclude: readonly string[] = []) {
  const left = runtime === "workerd" ? OF_A_PROCESS.map((name) => `${folder}/${name}.test.ts`) : [];
  return {
    test: {
      name: runtime,
      include: [`${folder}/*.test.ts`, `${folder}/${runtime}/**/*.test.ts`],
      exclude: [...left, ...exclude],
      env: { RUNTIME: runtime },
      testTimeout: 60_000,
      hookTimeout: 120_000,
    },
  };
}

/** Three processes over one Redis run the suites of the API. Suites about one process are left out. */
function clusterProjects() {
  if (NO_REDIS !== undefined) {
    console.warn(`The tests of three processes are skipped: ${NO_REDIS}.`);
    return [];
  }
  const suites = ["http", "sdk", "client", "access", "attacks", "envelope", "records"];
  const include = suites.map((name) => `test/runtimes/${name}.test.ts`);
  return [{ test: { ...projectOf("cluster", "test/runtimes").test, include } }];
}

/** `npm test` runs all but Bun; `npm run test:bun` runs Bun. What takes long is in vitest.long.config.ts. */
export default defineConfig({
  test: {
    reporters: reporters(process.env.REPORT ?? "test"),
    // Most of the time is spent waiting for processes and for time to pass.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "test/*.test.ts",
            "test/deploy/*.test.ts",
            "test/{unit,adapters,package,examples,soak}/**/*.test.ts",
          ],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      "vitest.hub.config.ts",
      projectOf("node", "test/runtimes"),
      projectOf("workerd", "test/runtimes"),
      projectOf("bun", "test/runtimes"),
      ...clusterProjects(),
    ],
  },
});
