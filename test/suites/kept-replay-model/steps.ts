import fc from "fast-check";

/** A message's topic and size. A large message fills a whole page of a replay. */
export interface Draft {
  readonly topic: string;
  readonly size: number;
}

export type Step =
  | { readonly do: "publish"; readonly drafts: readonly Draft[] }
  /** The client reads everything. With `isTurn`, waiting replays continue before the next step. */
  | { readonly do: "take"; readonly isTurn: boolean }
  | { readonly do: "erase"; readonly topic: string }
  /** The process is replaced by another, with the log, the stream and the stored progress. */
  | { readonly do: "hibernate" }
  /**
   * The stream breaks off and the client connects again: with its last id, or without one and with `last` newest messages. With
   * `isBusy`, the handshake has not drained when the subscriptions arrive.
   */
  | {
      readonly do: "reconnect";
      readonly isResume: boolean;
      readonly last: number;
      readonly isBusy: boolean;
    }
  /** Adds the key, or removes it when the client has it and others. */
  | { readonly do: "toggle"; readonly key: string };

function newest(topic: string, last: number): string {
  return `${topic}?options=${encodeURIComponent(JSON.stringify({ last }))}`;
}

export const KEYS = [
  "kept/1",
  newest("kept/1", 2),
  newest("kept/2", 5),
  newest("kept/*", 4),
  newest("*", 3),
  "flood",
  newest("flood", 2),
  newest("silent", 3),
];

const size = fc.constantFrom(0, 0, 0, 30_000, 70_000);

const flood: fc.Arbitrary<Draft[]> = fc.array(fc.record({ topic: fc.constant("flood"), size }), {
  minLength: 1,
  maxLength: 12,
});

const mixed: fc.Arbitrary<Draft[]> = fc.array(
  fc.record({ topic: fc.constantFrom("kept/1", "kept/2", "one", "flood"), size }),
  { minLength: 1, maxLength: 4 },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      drafts: fc.oneof({ weight: 2, arbitrary: mixed }, { weight: 1, arbitrary: flood }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("take" as const), isTurn: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "hibernate" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("erase" as const),
      topic: fc.constantFrom("kept/1", "kept/*", "flood"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("reconnect" as const),
      isResume: fc.boolean(),
      last: fc.constantFrom(0, 0, 1, 3),
      isBusy: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("toggle" as const), key: fc.constantFrom(...KEYS) }),
  },
);

/** The number of messages within the limits of the log. */
export const anyHistory: fc.Arbitrary<number> = fc.constantFrom(0, 1, 4, 12, 25);

export const anyFirstKeys: fc.Arbitrary<string[]> = fc.uniqueArray(fc.constantFrom(...KEYS), {
  minLength: 1,
  maxLength: 3,
});

export const anySteps: fc.Arbitrary<Step[]> = fc.array(step, { maxLength: 50, size: "max" });
