import { fuzzSuite } from "../suites/fuzz.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

fuzzSuite(runtimeUnderTest());
