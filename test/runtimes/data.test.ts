import { describe, it } from "vitest";
import { dataSuite } from "../suites/data.ts";
import { runtimeWithSqlite } from "../support/sqlite-runtime.ts";

const runtime = runtimeWithSqlite();
if (typeof runtime === "string") {
  describe.skip(`a data folder (skipped: ${runtime})`, () => it("is not tested", () => {}));
} else {
  dataSuite(runtime);
}
