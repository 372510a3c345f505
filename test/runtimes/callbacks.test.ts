import { callbackSuite } from "../suites/callbacks.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

callbackSuite(runtimeUnderTest());
