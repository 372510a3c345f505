import { resourcesSuite } from "../suites/resources.ts";
import { measured } from "../support/measured.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

resourcesSuite(measured(runtimeUnderTest()));
