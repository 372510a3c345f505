import { endsSuite } from "../suites/ends.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

endsSuite(runtimeUnderTest());
