import { floodSuite } from "../suites/flood.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

floodSuite(runtimeUnderTest());
