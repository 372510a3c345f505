import { chaosSuite } from "../suites/chaos.ts";
import { BUN } from "../support/service.ts";

chaosSuite(BUN);
