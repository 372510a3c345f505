import { churnSuite } from "../suites/churn.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

churnSuite(runtimeUnderTest());
