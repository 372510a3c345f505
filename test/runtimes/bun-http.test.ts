import { httpSuite } from "../suites/http/index.ts";
import { BUN } from "../support/service.ts";

httpSuite(BUN);
