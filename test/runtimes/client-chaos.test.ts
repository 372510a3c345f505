import { clientChaosSuite } from "../suites/client-chaos.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

clientChaosSuite(runtimeUnderTest(), { strikes: 6, clients: 8 });
