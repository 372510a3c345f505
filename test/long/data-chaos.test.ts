import { describe, it } from "vitest";
import { dataChaosSuite } from "../suites/data-chaos.ts";
import { runtimeWithSqlite } from "../support/sqlite-runtime.ts";

const runtime = runtimeWithSqlite();
if (typeof runtime === "string") {
  describe.skip(`kills of a service with a data folder (skipped: ${runtime})`, () =>
    it("is not tested", () => {}));
} else {
  dataChaosSuite(runtime);
}
