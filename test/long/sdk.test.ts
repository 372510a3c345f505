import { sdkLongSuite } from "../suites/sdk.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

sdkLongSuite(runtimeUnderTest());
