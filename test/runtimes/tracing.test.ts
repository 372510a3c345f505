import { tracingSuite } from "../suites/tracing.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

tracingSuite(runtimeUnderTest());
