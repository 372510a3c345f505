import { describe } from "vitest";
import type { RuntimeUnderTest } from "../support/service.ts";
import { credentialAttacks } from "./attacks/credentials.ts";
import { connectFloods, floodAttacks } from "./attacks/floods.ts";
import { injectionAttacks } from "./attacks/injection.ts";
import { privacyAttacks } from "./attacks/privacy.ts";

/**
 * Tries the attacks that docs/security.md describes. `access/browsers.ts` has requests from pages of other sites,
 * `access/limits.ts` has slow bodies and rates. The output of every service is searched for secrets when the service stops.
 */
export function attackSuite(runtime: RuntimeUnderTest): void {
  describe(`attacks on ${runtime.name}`, () => {
    credentialAttacks(runtime);
    privacyAttacks(runtime);
    injectionAttacks(runtime);
    floodAttacks(runtime);
  });
}

/** Long-running attacks. */
export function attackLongSuite(runtime: RuntimeUnderTest): void {
  describe(`attacks on ${runtime.name}, at length`, () => connectFloods(runtime));
}
