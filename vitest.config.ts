import { defineConfig } from "vitest/config";

/** CI adds the report up; people read the lines. */
export const reporters = (name: string): ["default", ...["json", { outputFile: string }][]] =>
  process.env.CI === undefined
    ? ["default"]
    : ["default", ["json", { outputFile: `.cache/reports/${name}.json` }]];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/runtimes/bun-*.test.ts"],
    reporters: reporters("node"),
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
