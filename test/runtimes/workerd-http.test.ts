import { httpSuite } from "../suites/http/index.ts";
import { WORKERD } from "../support/service.ts";

httpSuite(WORKERD);
