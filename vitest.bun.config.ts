import { defineConfig } from "vitest/config";

/** Vitest runs on Node here too; what it spawns is Bun. */
export default defineConfig({
  test: {
    include: ["test/runtimes/bun-*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
