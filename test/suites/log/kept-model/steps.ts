import fc from "fast-check";
import type { HistoryLimits, KeptLimits } from "../../../../src/log/log.ts";
import type { TopicRule } from "../../../../src/realtime/topic-rules.ts";
import type { Message } from "../../../../src/realtime/types.ts";
import { message } from "../context.ts";

/** One page; "back" is newest first, before the position. */
export interface Reading {
  readonly back: boolean;
  /** Modulo the number of positions. */
  readonly position: number;
  readonly limit: number;
  readonly maxBytes: number | undefined;
  readonly topics: readonly string[] | undefined;
}

export type Step =
  | { readonly do: "append"; readonly messages: readonly Message[] }
  | ({ readonly do: "read" } & Reading)
  | { readonly do: "pass"; readonly milliseconds: number }
  | { readonly do: "erase"; readonly topic: string }
  | { readonly do: "stats" };

/** Only for a log that can be opened again. */
export type ReopeningStep =
  | Step
  /** Without rules, the rules stay the same. */
  | { readonly do: "reopen"; readonly rules: readonly TopicRule[] | undefined }
  /** The database throws in the next step, after this number of statements. */
  | { readonly do: "fail"; readonly statements: number };

/** The settings of one run. */
export interface Settings {
  readonly history: HistoryLimits;
  readonly kept: KeptLimits;
  readonly rules: readonly TopicRule[];
  readonly kind: Kind;
}

/**
 * What the messages of a run have.
 *
 * - `limits`: each has one topic, and the limits of kept messages are tight. Of topics that fell silent with one message, a log may
 *   forget either.
 * - `topics`: some have several topics
 * - `ttl`: some have several topics, some a `ttl`. A log may or may not count messages that are past their `ttl`.
 */
export type Kind = "limits" | "topics" | "ttl";

/** The topic `k/*` has the text of a pattern. */
const TOPICS = ["a", "b", "k", "k/x", "k/y", "k/x/z", "k/*"];
const PATTERNS = [...TOPICS, "k/x/*", "*", "none"];

/** From narrow to wide: a rule after one that covers it is refused. */
const MATCHES = ["k/x", "k/x/*", "k/*", "a", "*"];

export const anyRules: fc.Arbitrary<TopicRule[]> = fc
  .uniqueArray(
    fc.record({
      match: fc.constantFrom(...MATCHES),
      keep: fc.constantFrom(undefined, 1, 2, 2, 3, 5),
    }),
    { selector: ({ match }) => match, maxLength: 4 },
  )
  .map((rules) => rules.toSorted((a, b) => MATCHES.indexOf(a.match) - MATCHES.indexOf(b.match)));

export const anySettings: fc.Arbitrary<Settings> = fc
  .constantFrom<Kind[]>("limits", "topics", "ttl")
  .chain((kind) =>
    fc.record({
      history: fc.record({
        messages: fc.oneof(fc.nat({ max: 8 }), fc.constant(1000)),
        maxAge: fc.oneof(fc.nat({ max: 5000 }), fc.constant(1e9)),
        bytes: fc.oneof(fc.nat({ max: 600 }), fc.constant(1e9)),
      }),
      kept:
        kind !== "limits"
          ? fc.constant({ bytes: 1e9, topics: 1e6 })
          : fc.record({
              bytes: fc.oneof(fc.integer({ min: 1, max: 500 }), fc.constant(1e9)),
              topics: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(1e6)),
            }),
      rules: anyRules,
      kind: fc.constant(kind),
    }),
  );

function anyMessage(kind: Kind): fc.Arbitrary<Message> {
  return fc
    .record({
      // Few ids, so that there are duplicates. The content follows from the id, so that no id is refused.
      id: fc.nat({ max: 200 }),
      count: kind === "limits" ? fc.constant(1) : fc.integer({ min: 1, max: 3 }),
      ttl: kind === "ttl" ? fc.constantFrom(undefined, undefined, 1, 2, 4) : fc.constant(undefined),
    })
    .map(({ id, ttl, count }) => {
      const topics = Array.from(
        { length: count },
        (_, index) => TOPICS[(id * 3 + index * index) % TOPICS.length] ?? "a",
      );
      const data = JSON.stringify("é".repeat((id * 7) % 60));
      const fields = { topics, data, private: id % 5 === 0 };
      return message(`${id}.${count}.${ttl}`, ttl === undefined ? fields : { ...fields, ttl });
    });
}

const reading: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("read" as const),
  back: fc.boolean(),
  position: fc.nat({ max: 200 }),
  limit: fc.oneof(fc.nat({ max: 6 }), fc.constant(1000)),
  maxBytes: fc.option(fc.nat({ max: 300 }), { nil: undefined }),
  topics: fc.option(fc.uniqueArray(fc.constantFrom(...PATTERNS), { maxLength: 3 }), {
    nil: undefined,
  }),
});

export function anyStep({ kind }: Settings): fc.Arbitrary<Step> {
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant("append" as const),
        messages: fc.array(anyMessage(kind), { minLength: 1, maxLength: 6 }),
      }),
    },
    { weight: 6, arbitrary: reading },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("pass" as const),
        milliseconds: fc.nat({ max: 1500 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("erase" as const),
        topic: fc.constantFrom(...PATTERNS),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ do: "stats" as const }) },
  );
}

export function anyReopeningStep(settings: Settings): fc.Arbitrary<ReopeningStep> {
  return fc.oneof(
    { weight: 16, arbitrary: anyStep(settings) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("reopen" as const),
        rules: fc.option(anyRules, { nil: undefined }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("fail" as const),
        statements: fc.nat({ max: 40 }),
      }),
    },
  );
}
