import { httpSuite } from "../suites/http/index.ts";
import { NODE_DIRECT } from "../support/service.ts";

httpSuite(NODE_DIRECT);
