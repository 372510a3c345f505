import { loggingSuite } from "../suites/logging.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

loggingSuite(runtimeUnderTest());
