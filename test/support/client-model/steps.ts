import fc from "fast-check";
import type { PostFault } from "../client-network.ts";

/** One step of a run. */
export type Step =
  | { readonly do: "publish"; readonly topics: readonly string[] }
  | { readonly do: "add"; readonly topic: string; readonly last: number | undefined }
  | { readonly do: "remove"; readonly which: number }
  | { readonly do: "replace"; readonly which: number }
  | { readonly do: "cut"; readonly isFinal: boolean }
  | { readonly do: "cutAfter"; readonly events: number }
  | { readonly do: "failPost"; readonly fault: PostFault }
  | { readonly do: "refreshToken" }
  | { readonly do: "wait"; readonly turns: number }
  | { readonly do: "settle" };

const topic = fc.constantFrom("a/1", "a/2", "b", "ping", "error", "open");
const subscribed = fc.oneof(topic, fc.constantFrom("a/*", "*"));
const index = fc.nat({ max: 9 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      topics: fc.array(topic, { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("add" as const),
      topic: subscribed,
      last: fc.constantFrom(undefined, undefined, 0, 1, 3, 20),
    }),
  },
  fc.record({ do: fc.constant("remove" as const), which: index }),
  fc.record({ do: fc.constant("replace" as const), which: index }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cut" as const), isFinal: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("cutAfter" as const), events: fc.nat({ max: 8 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("failPost" as const),
      fault: fc.constantFrom("request" as const, "answer" as const),
    }),
  },
  fc.record({ do: fc.constant("refreshToken" as const) }),
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("wait" as const), turns: fc.nat({ max: 30 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("settle" as const) }) },
);

/** Without subscriptions at the start, most steps would have no effect. */
const START: readonly Step[] = [
  { do: "publish", topics: ["a/1", "b", "a/2", "ping", "a/1"] },
  { do: "add", topic: "a/*", last: 2 },
  { do: "add", topic: "b", last: undefined },
  { do: "wait", turns: 20 },
];

export const steps: fc.Arbitrary<Step[]> = fc
  .array(step, { minLength: 10, maxLength: 50, size: "max" })
  .map((list) => [...START, ...list]);
