import { describe, it } from "vitest";
import { leftOut } from "../../support/flags.ts";
import type { RuntimeUnderTest } from "../../support/service.ts";
import { connectSuite } from "./connect.ts";
import { connectionsSuite } from "./connections.ts";
import { cutSuite } from "./cut.ts";
import { deliverySuite, largeDeliverySuite } from "./delivery.ts";
import { errorsSuite } from "./errors.ts";
import { eventSourceSuite } from "./event-source.ts";
import { historySuite } from "./history.ts";
import { keepAliveSuite } from "./keep-alive.ts";
import { lifetimeSuite } from "./lifetime.ts";
import { limitsSuite, overtakenSuite } from "./limits.ts";
import { operateSuite } from "./operate.ts";
import { publishSuite } from "./publish.ts";
import { quietSuite } from "./quiet.ts";
import { recordEventsSuite } from "./record-events.ts";
import { longReplaySuite, replaySuite } from "./replay.ts";
import { resumeSuite } from "./resume.ts";
import { slowSuite } from "./slow.ts";
import { stopSuite } from "./stop.ts";
import { strictSuite } from "./strict.ts";
import { subscribeSuite } from "./subscribe.ts";
import { topicRulesSuite } from "./topic-rules.ts";
import { topicsSuite } from "./topics.ts";
import { uploadsSuite } from "./uploads.ts";

/** The service as its clients see it: over real sockets, against the real entry of a runtime. */
export function httpSuite(runtime: RuntimeUnderTest): void {
  describe(`HTTP on ${runtime.name}`, () => {
    connectSuite(runtime);
    subscribeSuite(runtime);
    publishSuite(runtime);
    recordEventsSuite(runtime);
    quietSuite(runtime);
    deliverySuite(runtime);
    errorsSuite(runtime);
    strictSuite(runtime);
    if (runtime.isProxied === undefined) uploadsSuite(runtime);
    else it.skip(leftOut("a large upload that is refused", runtime.isProxied));
    topicsSuite(runtime);
    topicRulesSuite(runtime);
    resumeSuite(runtime);
    replaySuite(runtime);
    limitsSuite(runtime);
    historySuite(runtime);
    operateSuite(runtime);
    if (runtime.ownHead === undefined) connectionsSuite(runtime);
    else it.skip(leftOut("requests on the wire", runtime.ownHead));
    if (runtime.noStop === undefined) stopSuite(runtime);
    else it.skip(leftOut("a graceful stop", runtime.noStop));
  });
}

/** Long tests: many clients, many messages, and clients that make the service wait. */
export function httpLongSuite(runtime: RuntimeUnderTest): void {
  describe(`HTTP on ${runtime.name}, at length`, () => {
    lifetimeSuite(runtime);
    largeDeliverySuite(runtime);
    slowSuite(runtime);
    cutSuite(runtime);
    longReplaySuite(runtime);
    overtakenSuite(runtime);
    eventSourceSuite(runtime);
    if (runtime.noStop === undefined) keepAliveSuite(runtime);
  });
}
