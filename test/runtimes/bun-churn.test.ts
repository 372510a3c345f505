import { bunPath } from "../../scripts/bun.mjs";
import { churnSuite } from "../suites/churn.ts";

churnSuite("Bun", () => [bunPath()]);
