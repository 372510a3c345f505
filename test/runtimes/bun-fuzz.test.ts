import { fuzzSuite } from "../suites/fuzz.ts";
import { BUN } from "../support/service.ts";

fuzzSuite(BUN);
