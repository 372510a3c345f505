import { defineConfig } from "vitest/config";
import { reporters } from "./vitest.config.ts";

/** With real proxies (`apt-get install nginx-light caddy`): `npm run test:proxies`. */
export default defineConfig({
  test: {
    reporters: reporters("proxies"),
    include: ["test/proxies/*.test.ts"],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
