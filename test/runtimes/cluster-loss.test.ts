import { clusterLossSuite } from "../suites/cluster-loss.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

clusterLossSuite(runtimeUnderTest());
