import { waitingSuite } from "../suites/waiting.ts";
import { NODE } from "../support/service.ts";

waitingSuite(NODE);
