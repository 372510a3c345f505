import { loggingSuite } from "../suites/logging.ts";
import { WORKERD } from "../support/service.ts";

loggingSuite(WORKERD);
