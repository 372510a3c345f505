import { sdkResumingSuite } from "../suites/sdk-resuming.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

sdkResumingSuite(runtimeUnderTest());
