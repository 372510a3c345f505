import { type ChaosSuiteOptions, chaosSuite } from "../suites/chaos.ts";
import { runtimeUnderTest, WORKERD } from "../support/runtimes.ts";

const ON_WORKERD: ChaosSuiteOptions = {
  evicts: true,
  env: {
    // Pings detect clients that were cut. Three pings a second for each of 200 clients would be most of the work.
    REALTIME_PING_SECONDS: "1",
    // `wrangler dev` does not report some clients that were cut before the response head arrived.
    REALTIME_STALE_SECONDS: "5",
  },
};

const runtime = runtimeUnderTest();
chaosSuite(runtime, runtime === WORKERD ? ON_WORKERD : {});
