import { clientChaosSuite } from "../suites/client-chaos.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

// A dark time of 40 seconds is longer than the client waits for a ping.
clientChaosSuite(runtimeUnderTest(), { strikes: 30, clients: 20, longestStall: 40_000 });
