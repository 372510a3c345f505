import { defineConfig } from "vitest/config";
import { reporters } from "./vitest.config.ts";

/** The packed package, as a user installs it: `npm run release:dry` sets RELEASE_TARBALL. */
export default defineConfig({
  test: {
    reporters: reporters("release"),
    include: ["test/release/*.test.ts"],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
