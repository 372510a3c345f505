import { accessSuite } from "../suites/access.ts";
import { BUN } from "../support/service.ts";

accessSuite(BUN);
