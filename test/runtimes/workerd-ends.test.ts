import { endsSuite } from "../suites/ends.ts";
import { WORKERD } from "../support/service.ts";

endsSuite(WORKERD);
