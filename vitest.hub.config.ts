import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

/** The Durable Object and its log, tested inside workerd. HUB_TESTS is `long` for `npm run test:long`. */
export default defineConfig({
  plugins: [
    cloudflareTest({
      main: "./test/workerd/worker.ts",
      miniflare: {
        compatibilityDate: "2026-04-26",
        compatibilityFlags: ["enable_request_signal", "nodejs_compat"],
        durableObjects: {
          REALTIME_HUB: { className: "EvictableHub", useSQLite: true },
          LOG_HOST: { className: "LogHost", useSQLite: true },
        },
      },
    }),
  ],
  test: {
    name: "hub",
    // workerd can't load their files, which import each other without extensions.
    deps: {
      optimizer: {
        ssr: { enabled: true, include: ["@opentelemetry/api", "@opentelemetry/sdk-trace-base"] },
      },
    },
    include: [
      process.env.HUB_TESTS === "long" ? "test/long/hub/*.test.ts" : "test/workerd/**/*.test.ts",
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
