import { chaosSuite } from "../suites/chaos.ts";
import { NODE } from "../support/service.ts";

chaosSuite(NODE);
