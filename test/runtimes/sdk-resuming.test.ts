import { describe, it } from "vitest";
import { sdkResumingSuite } from "../suites/sdk-resuming.ts";
import { runtimeWithSqlite } from "../support/sqlite-runtime.ts";

const runtime = runtimeWithSqlite();
if (typeof runtime === "string") {
  describe.skip(`the SDK while the service is killed (skipped: ${runtime})`, () =>
    it("is not tested", () => {}));
} else {
  sdkResumingSuite(runtime);
}
