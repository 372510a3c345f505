import { workersSuite } from "../suites/workers.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

workersSuite(runtimeUnderTest());
