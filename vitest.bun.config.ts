import { defineConfig } from "vitest/config";
import { reporters } from "./vitest.config.ts";

/** Vitest runs on Node here too; what it spawns is Bun. */
export default defineConfig({
  test: {
    include: ["test/runtimes/bun-*.test.ts"],
    reporters: reporters("bun"),
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
