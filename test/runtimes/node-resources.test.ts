import { MEASURED_NODE, resourcesSuite } from "../suites/resources.ts";

resourcesSuite(MEASURED_NODE);
