import { describe, it } from "vitest";
import { sdkResumingLongSuite } from "../suites/sdk-resuming.ts";
import { runtimeUnderTest, WORKERD } from "../support/runtimes.ts";
import { runtimeWithSqlite } from "../support/sqlite-runtime.ts";

const runtime = runtimeUnderTest() === WORKERD ? WORKERD : runtimeWithSqlite();
if (typeof runtime === "string") {
  describe.skip(`the SDK while the service is killed (skipped: ${runtime})`, () =>
    it("is not tested", () => {}));
} else {
  sdkResumingLongSuite(runtime);
}
