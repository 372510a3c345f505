import { type ChaosSuiteOptions, chaosSuite } from "../suites/chaos.ts";
import { runtimeUnderTest, WORKERD } from "../support/runtimes.ts";

const ON_WORKERD: ChaosSuiteOptions = {
  evicts: true,
  env: {
    // Pings notice who was cut; three a second for each of 200 clients would be most of the work.
    REALTIME_PING_SECONDS: "1",
    // Of a few of those cut before their head arrived `wrangler dev` does not tell.
    REALTIME_STALE_SECONDS: "5",
  },
};

const runtime = runtimeUnderTest();
chaosSuite(runtime, runtime === WORKERD ? ON_WORKERD : {});
