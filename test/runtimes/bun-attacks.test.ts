import { attackSuite } from "../suites/attacks.ts";
import { BUN } from "../support/service.ts";

attackSuite(BUN);
