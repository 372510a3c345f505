import { accessLongSuite } from "../suites/access.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

accessLongSuite(runtimeUnderTest());
