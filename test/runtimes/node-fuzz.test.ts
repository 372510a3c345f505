import { fuzzSuite } from "../suites/fuzz.ts";
import { NODE } from "../support/service.ts";

fuzzSuite(NODE);
