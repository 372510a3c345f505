import { loggingSuite } from "../suites/logging.ts";
import { BUN } from "../support/service.ts";

loggingSuite(BUN);
