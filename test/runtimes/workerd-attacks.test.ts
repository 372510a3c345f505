import { attackSuite } from "../suites/attacks.ts";
import { WORKERD } from "../support/service.ts";

attackSuite(WORKERD);
