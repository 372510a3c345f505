import { attackLongSuite } from "../suites/attacks.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

attackLongSuite(runtimeUnderTest());
