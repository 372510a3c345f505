import { fuzzSuite } from "../suites/fuzz.ts";
import { WORKERD } from "../support/service.ts";

fuzzSuite(WORKERD);
