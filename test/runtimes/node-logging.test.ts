import { loggingSuite } from "../suites/logging.ts";
import { NODE } from "../support/service.ts";

loggingSuite(NODE);
