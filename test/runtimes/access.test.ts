import { accessSuite } from "../suites/access.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

accessSuite(runtimeUnderTest());
