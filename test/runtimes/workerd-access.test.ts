import { accessSuite } from "../suites/access.ts";
import { WORKERD } from "../support/service.ts";

accessSuite(WORKERD);
