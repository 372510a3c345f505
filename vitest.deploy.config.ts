import { defineConfig } from "vitest/config";
import { reporters } from "./vitest.config.ts";

/** Runs the containers and the unit that the files for deployment describe: `npm run test:deploy`. */
export default defineConfig({
  test: {
    reporters: reporters("deploy"),
    include: ["test/deploy/running/*.test.ts"],
    globalSetup: "test/support/deploy/images.ts",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
