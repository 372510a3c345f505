import { describe, it } from "vitest";
import { leftOut } from "../support/flags.ts";
import type { RuntimeUnderTest } from "../support/service.ts";
import { browserTests } from "./access/browsers.ts";
import { identityTests } from "./access/identity.ts";
import { issuersTests } from "./access/issuers.ts";
import { limitTests } from "./access/limits.ts";
import { orderTests } from "./access/order.ts";
import { refusalDelayTests } from "./access/refusal-delay.ts";

/** Rights to subscribe and publish, and their limits, over real sockets. */
export function accessSuite(runtime: RuntimeUnderTest): void {
  describe(`access on ${runtime.name}`, () => {
    identityTests(runtime);
    issuersTests(runtime);
    orderTests(runtime);
    if (runtime.perProcess === undefined) limitTests(runtime);
    else it.skip(leftOut("limits and rates", runtime.perProcess));
    browserTests(runtime);
  });
}

/** What takes long by its nature. */
export function accessLongSuite(runtime: RuntimeUnderTest): void {
  describe(`access on ${runtime.name}, at length`, () => refusalDelayTests(runtime));
}
