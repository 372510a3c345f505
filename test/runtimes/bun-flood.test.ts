import { bunPath } from "../../scripts/bun.mjs";
import { floodSuite } from "../suites/flood.ts";

floodSuite("Bun", () => [bunPath()]);
