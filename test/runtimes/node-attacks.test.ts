import { attackSuite } from "../suites/attacks.ts";
import { NODE } from "../support/service.ts";

attackSuite(NODE);
