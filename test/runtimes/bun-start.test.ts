import { startSuite } from "../suites/start.ts";
import { BUN } from "../support/service.ts";

startSuite(BUN);
