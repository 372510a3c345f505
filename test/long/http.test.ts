import { httpLongSuite } from "../suites/http/index.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

httpLongSuite(runtimeUnderTest());
