import { openFilesSuite } from "../suites/open-files.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

openFilesSuite(runtimeUnderTest());
