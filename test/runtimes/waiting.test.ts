import { waitingSuite } from "../suites/waiting.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

waitingSuite(runtimeUnderTest());
