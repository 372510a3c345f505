import { createMemoryLog } from "../../src/log/memory.ts";
import { logSuite } from "../suites/log.ts";

logSuite("memory", createMemoryLog);
