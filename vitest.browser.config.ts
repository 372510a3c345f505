import { defineConfig } from "vitest/config";
import { reporters } from "./vitest.config.ts";

/** In a real Chromium (`apt-get install chromium`): `npm run test:browser`. */
export default defineConfig({
  test: {
    reporters: reporters("browser"),
    include: ["test/browser/*.test.ts"],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
