import { recordsSuite } from "../suites/records/index.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

recordsSuite(runtimeUnderTest());
