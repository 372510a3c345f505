import { clusterPresenceSuite } from "../suites/cluster-presence.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

clusterPresenceSuite(runtimeUnderTest());
