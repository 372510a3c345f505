import { attackSuite } from "../suites/attacks.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

attackSuite(runtimeUnderTest());
