import { httpSuite } from "../suites/http/index.ts";
import { BUN_DIRECT } from "../support/service.ts";

httpSuite(BUN_DIRECT);
