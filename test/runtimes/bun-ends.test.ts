import { endsSuite } from "../suites/ends.ts";
import { BUN } from "../support/service.ts";

endsSuite(BUN);
