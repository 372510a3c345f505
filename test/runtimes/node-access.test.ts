import { accessSuite } from "../suites/access.ts";
import { NODE } from "../support/service.ts";

accessSuite(NODE);
