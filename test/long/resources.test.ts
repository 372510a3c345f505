import { measured, resourcesSuite } from "../suites/resources.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

resourcesSuite(measured(runtimeUnderTest()));
