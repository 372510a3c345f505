import { httpSuite } from "../suites/http/index.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

httpSuite(runtimeUnderTest());
