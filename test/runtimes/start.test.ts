import { startSuite } from "../suites/start.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

startSuite(runtimeUnderTest());
