import { resourcesSuite } from "../suites/resources.ts";
import { BUN } from "../support/service.ts";

resourcesSuite(BUN);
