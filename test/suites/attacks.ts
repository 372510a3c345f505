import { describe } from "vitest";
import type { RuntimeUnderTest } from "../support/service.ts";
import { credentialAttacks } from "./attacks/credentials.ts";
import { connectFloods, floodAttacks } from "./attacks/floods.ts";
import { injectionAttacks } from "./attacks/injection.ts";
import { privacyAttacks } from "./attacks/privacy.ts";

/**
 * What docs/security.md says is defended, tried. What a page of another site can do is in `access/browsers.ts`, slow
 * bodies and rates in `access/limits.ts`; and every service's output is searched for secrets when it stops.
 */
export function attackSuite(runtime: RuntimeUnderTest): void {
  describe(`attacks on ${runtime.name}`, () => {
    credentialAttacks(runtime);
    privacyAttacks(runtime);
    injectionAttacks(runtime);
    floodAttacks(runtime);
  });
}

/** Attacks that take long by their nature. */
export function attackLongSuite(runtime: RuntimeUnderTest): void {
  describe(`attacks on ${runtime.name}, at length`, () => connectFloods(runtime));
}
