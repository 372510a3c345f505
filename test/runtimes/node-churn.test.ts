import { churnSuite } from "../suites/churn.ts";

churnSuite("Node", () => [process.execPath, "--expose-gc", "--import", "tsx"]);
