import { envelopeSuite } from "../suites/envelope.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

envelopeSuite(runtimeUnderTest());
