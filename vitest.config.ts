import { defineConfig } from "vitest/config";

/** CI adds the report up; people read the lines. */
export const reporters = (name: string): ["default", ...["json", { outputFile: string }][]] =>
  process.env.CI === undefined
    ? ["default"]
    : ["default", ["json", { outputFile: `.cache/reports/${name}.json` }]];

export default defineConfig({
  test: {
    reporters: reporters("node"),
    // Most of the time is spent waiting for processes and for time to pass.
    maxWorkers: 2,
    projects: [
      "vitest.workerd.config.ts",
      {
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: [
            "test/runtimes/bun-*.test.ts",
            "test/workerd/**",
            "test/browser/**",
            "test/proxies/**",
          ],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
