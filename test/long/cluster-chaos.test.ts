import { clusterChaosSuite } from "../suites/cluster-chaos.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

clusterChaosSuite(runtimeUnderTest(), 20);
