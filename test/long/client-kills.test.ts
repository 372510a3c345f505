import { clientClusterChaosSuite, clientKillSuite } from "../suites/client-chaos.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";
import { runtimeWithSqlite } from "../support/sqlite-runtime.ts";

clientKillSuite(runtimeWithSqlite(), { strikes: 30, clients: 20 });
clientClusterChaosSuite(runtimeUnderTest(), { strikes: 30, clients: 20 });
