import { presenceSuite } from "../suites/presence.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

presenceSuite(runtimeUnderTest());
