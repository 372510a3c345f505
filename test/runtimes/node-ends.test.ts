import { endsSuite } from "../suites/ends.ts";
import { NODE } from "../support/service.ts";

endsSuite(NODE);
