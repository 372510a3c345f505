import fc from "fast-check";

/** A message's topic and size. Some messages fill most of a replay's page. */
export interface Draft {
  readonly topic: string;
  readonly size: number;
}

export type Step =
  | { readonly do: "publish"; readonly drafts: readonly Draft[] }
  /** The client reads everything. With `isTurn`, waiting replays continue before the next step. */
  | { readonly do: "take"; readonly isTurn: boolean }
  | { readonly do: "ping" }
  | { readonly do: "send" }
  /**
   * The stream breaks off `lost` blocks before the end (modulo their count) and the client reconnects. With `isBusy`, the
   * handshake has not drained when the subscriptions arrive.
   */
  | { readonly do: "cut"; readonly lost: number; readonly isBusy: boolean }
  /** Adds the key, or removes it when the client has it and others. */
  | { readonly do: "toggle"; readonly key: string };

function newest(topic: string, last: number): string {
  return `${topic}?options=${encodeURIComponent(JSON.stringify({ last }))}`;
}

/** Every message except those to "other" matches several of these keys, so that a cut can fall between two keys. */
const KEYS = ["*", "r/*", "r/1", "q", newest("r/1", 3), newest("q", 4)];

export const FIRST_KEYS: readonly string[] = ["r/*", "r/1"];

const draft: fc.Arbitrary<Draft> = fc.record({
  topic: fc.constantFrom("r/1", "r/2", "q", "other"),
  size: fc.constantFrom(0, 0, 0, 0, 40_000),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      drafts: fc.oneof(
        { weight: 9, arbitrary: fc.array(draft, { minLength: 1, maxLength: 1 }) },
        { weight: 1, arbitrary: fc.array(draft, { minLength: 1, maxLength: 6, size: "max" }) },
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("take" as const), isTurn: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("ping" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("send" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("cut" as const),
      lost: fc.nat({ max: 12 }),
      isBusy: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("toggle" as const), key: fc.constantFrom(...KEYS) }),
  },
);

/** The number of messages that the log keeps. Undefined: more than are published. */
export const anyHistory: fc.Arbitrary<number | undefined> = fc.constantFrom(
  undefined,
  undefined,
  8,
);

export const anySteps: fc.Arbitrary<Step[]> = fc.array(step, {
  minLength: 5,
  maxLength: 60,
  size: "max",
});
