import { describe, it } from "vitest";
import { leftOut } from "../../support/flags.ts";
import type { RuntimeUnderTest } from "../../support/service.ts";
import { connectSuite } from "./connect.ts";
import { deliverySuite } from "./delivery.ts";
import { errorsSuite } from "./errors.ts";
import { publishSuite } from "./publish.ts";
import { slowSuite } from "./slow.ts";
import { stopSuite } from "./stop.ts";
import { subscribeSuite } from "./subscribe.ts";

/** The service as its clients see it: over real sockets, against the real entry of a runtime. */
export function httpSuite(runtime: RuntimeUnderTest): void {
  describe(`HTTP on ${runtime.name}`, () => {
    connectSuite(runtime);
    subscribeSuite(runtime);
    publishSuite(runtime);
    deliverySuite(runtime);
    errorsSuite(runtime);
    slowSuite(runtime);
    if (runtime.noStop === undefined) stopSuite(runtime);
    else it.skip(leftOut("a graceful stop", runtime.noStop));
  });
}
