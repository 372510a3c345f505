/** Filters, fields and rules from outside: over HTTP and raw SSE. */
import { describe } from "vitest";
import type { RuntimeUnderTest } from "../../support/service.ts";
import { CASE_RULES, caseTests } from "./cases.ts";
import { changeTests } from "./changes.ts";
import { recordsWorld } from "./context.ts";
import { fieldTests } from "./fields.ts";
import { filterTests } from "./filters.ts";
import { hiddenTests } from "./hidden.ts";
import { OTHER_RULES, otherCollectionTests } from "./other-collections.ts";
import { refusedTests } from "./refused.ts";
import { replayTests } from "./replays.ts";
import { requestRuleTests } from "./request-rules.ts";
import { ruleTests } from "./rules.ts";
import { RULES } from "./service-rules.ts";
import { signInTests } from "./sign-in.ts";
import { topicTests } from "./topics.ts";

export function recordsSuite(runtime: RuntimeUnderTest): void {
  describe(`records, on ${runtime.name}`, () => {
    const world = recordsWorld(runtime, {
      REALTIME_RULES: JSON.stringify({ ...RULES, ...CASE_RULES }),
      REALTIME_AUTH_GRACE_SECONDS: "30",
    });
    filterTests(world);
    caseTests(world);
    topicTests(world);
    refusedTests(world);
    fieldTests(world);
    changeTests(world);
    hiddenTests(world);
    ruleTests(world);
    requestRuleTests(world);
    signInTests(world);
    replayTests(world);
  });
  describe(`records with rules for all collections, on ${runtime.name}`, () => {
    otherCollectionTests(recordsWorld(runtime, { REALTIME_RULES: JSON.stringify(OTHER_RULES) }));
  });
}
