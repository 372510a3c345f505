import { MEASURED_BUN, resourcesSuite } from "../suites/resources.ts";

resourcesSuite(MEASURED_BUN);
