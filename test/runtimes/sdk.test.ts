import { sdkSuite } from "../suites/sdk.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

sdkSuite(runtimeUnderTest());
