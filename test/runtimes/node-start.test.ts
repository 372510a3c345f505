import { startSuite } from "../suites/start.ts";
import { NODE } from "../support/service.ts";

startSuite(NODE);
