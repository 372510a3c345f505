import { clusterTellsSuite } from "../suites/cluster-tells.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

clusterTellsSuite(runtimeUnderTest());
