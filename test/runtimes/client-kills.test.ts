import { clientClusterChaosSuite, clientKillSuite } from "../suites/client-chaos.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";
import { runtimeWithSqlite } from "../support/sqlite-runtime.ts";

clientKillSuite(runtimeWithSqlite(), { strikes: 4, clients: 6 });
clientClusterChaosSuite(runtimeUnderTest(), { strikes: 4, clients: 6 });
