import { waitingSuite } from "../suites/waiting.ts";
import { BUN } from "../support/service.ts";

waitingSuite(BUN);
