import { describe } from "vitest";
import { connectionTests } from "./registry/connections.ts";
import type { OpenRegistry, RegistryFlags } from "./registry/context.ts";
import { deliveryTests, largeDeliveryTests } from "./registry/delivery.ts";
import { envelopeTests } from "./registry/envelope.ts";
import { erasingTests } from "./registry/erasing.ts";
import { matchingTests } from "./registry/matching.ts";
import { presenceTests } from "./registry/presence.ts";
import { resumeTests } from "./registry/resume.ts";
import { resumeKeyTests } from "./registry/resume-keys.ts";
import { resumePageTests } from "./registry/resume-pages.ts";
import { rightsTests } from "./registry/rights.ts";
import { runningTests } from "./registry/running.ts";
import { sendingTests } from "./registry/sending.ts";
import { subscriptionTests } from "./registry/subscriptions.ts";

export type { OpenRegistry, RegistryFlags } from "./registry/context.ts";
export { PRESENCE } from "./registry/presence.ts";
export { AUTH_GRACE } from "./registry/rights.ts";

/**
 * The contract of `ClientRegistry`. Deliveries may be asynchronous: the suite waits for them.
 *
 * @param open Opens an empty registry with `AUTH_GRACE` and `PRESENCE`. The suite closes it.
 * @param flags What the adapter can't do, with the reason.
 */
export function registrySuite(name: string, open: OpenRegistry, flags: RegistryFlags = {}): void {
  describe(`ClientRegistry: ${name}`, () => {
    connectionTests(open, flags);
    subscriptionTests(open);
    matchingTests(open);
    deliveryTests(open);
    sendingTests(open);
    runningTests(open, flags);
    resumeTests(open);
    resumeKeyTests(open);
    resumePageTests(open, flags);
    rightsTests(open);
    erasingTests(open);
    envelopeTests(open);
    presenceTests(open);
  });
}

/** The same with many clients, which takes long. */
export function registryLongSuite(name: string, open: OpenRegistry): void {
  describe(`ClientRegistry, at length: ${name}`, () => largeDeliveryTests(open));
}
