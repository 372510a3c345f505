import { clientSuite } from "../suites/client.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

clientSuite(runtimeUnderTest());
