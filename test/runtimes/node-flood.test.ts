import { floodSuite } from "../suites/flood.ts";

floodSuite("Node", () => [process.execPath, "--expose-gc", "--import", "tsx"]);
