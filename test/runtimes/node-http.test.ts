import { httpSuite } from "../suites/http/index.ts";
import { NODE } from "../support/service.ts";

httpSuite(NODE);
