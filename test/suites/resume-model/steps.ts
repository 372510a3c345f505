import fc from "fast-check";

/** The parts of a message. The number and the padding are added when it is published. */
export interface Publication {
  readonly id: string | undefined;
  readonly topics: { readonly topic: string } | { readonly collection: string };
  readonly private: boolean;
  /** Characters of padding. Some sizes fill a whole page of a replay. */
  readonly size: number;
}

/** How a client sends its last id: when it opens its stream, or with its first POST. */
export type Way = "topics" | "remembered" | "posted";

export type Action =
  | { readonly do: "connect"; readonly shard: number; readonly keys: readonly string[] }
  | { readonly do: "publish"; readonly messages: readonly Publication[] }
  /** Every client reconnects to an empty log. */
  | { readonly do: "restart" }
  | { readonly do: "nothing" }
  | ToClient;

/** The stream breaks off: the last `lost` writes have not arrived, except a part of the first of them. */
export interface Cut {
  readonly lost: number;
  readonly part: number;
}

/** An action on one of the clients so far. The number is taken modulo their count. */
export type ToClient = { readonly client: number } & (
  | { readonly do: "join"; readonly keys: readonly string[] }
  | { readonly do: "send" }
  | ({ readonly do: "cut" } & Cut)
  | { readonly do: "resume"; readonly way: Way; readonly isHeld: boolean; readonly shard: number }
  /** The sink stops draining, drains once, or drains everything again. */
  | { readonly do: "hold" | "takeOnce" | "release" }
);

export interface Step {
  readonly action: Action;
  /** Shards (modulo their count) that are evicted during the action. */
  readonly evicted: readonly number[];
}

const KEYS = [
  "*",
  "chat",
  "chat?options=%7B%7D",
  'chat?options={"query":{"x":1}}',
  "posts/*",
  "posts",
  "posts/r1",
];

const client = fc.nat({ max: 5 });
const shard = fc.nat({ max: 2 });
const keys = fc.uniqueArray(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 5 });

const publication: fc.Arbitrary<Publication> = fc.record({
  // Few ids, so that there are many duplicates. An id is generated when it is left out.
  id: fc.option(
    fc.nat({ max: 9 }).map((id) => `m${id}`),
    { nil: undefined, freq: 1 },
  ),
  topics: fc.oneof(
    { weight: 3, arbitrary: fc.record({ topic: fc.constantFrom("chat", "posts/r2", "other") }) },
    { weight: 1, arbitrary: fc.record({ collection: fc.constant("posts") }) },
  ),
  private: fc.constantFrom(false, false, false, false, true),
  size: fc.constantFrom(0, 0, 0, 1000, 20_000, 70_000),
});

/** An action with a client and these fields. */
function toClient<Name extends ToClient["do"], Fields extends object>(
  name: Name,
  fields: { [Field in keyof Fields]: fc.Arbitrary<Fields[Field]> },
) {
  const more = fields as { [name: string]: fc.Arbitrary<unknown> };
  return fc.record({ do: fc.constant(name), client, ...more }) as fc.Arbitrary<Action>;
}

const cut = {
  lost: fc.nat({ max: 8 }),
  part: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
};
const way = fc.constantFrom<Way[]>("topics", "topics", "remembered", "posted");

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant("connect" as const), shard, keys }) },
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      messages: fc.array(publication, { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 2, arbitrary: toClient("join", { keys }) },
  { weight: 2, arbitrary: toClient("send", {}) },
  { weight: 5, arbitrary: toClient("cut", cut) },
  { weight: 5, arbitrary: toClient("resume", { way, isHeld: fc.boolean(), shard }) },
  { weight: 1, arbitrary: toClient("hold", {}) },
  { weight: 3, arbitrary: toClient("takeOnce", {}) },
  { weight: 2, arbitrary: toClient("release", {}) },
  { weight: 1, arbitrary: fc.constant({ do: "restart" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "nothing" as const }) },
);

const evicted = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.uniqueArray(shard, { maxLength: 3 }) },
);

/** The number of messages that the log keeps. Undefined: more than are published. */
export const anyHistory: fc.Arbitrary<number | undefined> = fc.constantFrom(
  undefined,
  undefined,
  undefined,
  4,
  10,
);

export const anyResumes: fc.Arbitrary<Step[]> = fc.array(fc.record({ action, evicted }), {
  minLength: 5,
  maxLength: 45,
  size: "max",
});
