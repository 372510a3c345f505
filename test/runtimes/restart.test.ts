import { restartSuite } from "../suites/restart.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

// 900 pages with the default limits are in test/proxies.
restartSuite({
  runtime: runtimeUnderTest(),
  pages: 90,
  env: { REALTIME_CONNECTS_PER_SECOND: "10", REALTIME_MAX_CLIENTS_PER_ADDRESS: "100" },
});
