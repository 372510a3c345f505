import fc from "fast-check";
import type { PublishInput } from "../../../src/realtime/message.ts";
import type { Principal } from "../../../src/realtime/types.ts";

type ClientAction =
  | { readonly do: "subscribe"; readonly as?: Principal; readonly keys: readonly string[] }
  | { readonly do: "send"; readonly event: string }
  /** An operator disconnects the client. */
  | { readonly do: "disconnect" }
  /** The client disconnects: when everything has arrived, or earlier. */
  | { readonly do: "leave"; readonly settled: boolean };

/** An action on one of the clients so far, including disconnected ones. The number is taken modulo their count. */
export type ToClient = ClientAction & { readonly client: number };

/** A client connects, and then subscribes. */
export interface Connect {
  readonly do: "connect";
  readonly shard: number;
  readonly peer: Principal;
  readonly keys: readonly string[];
  /** `StreamOptions.envelope`. */
  readonly envelope: boolean;
}

export type Action =
  | Connect
  | { readonly do: "publish"; readonly messages: readonly PublishInput[] }
  | { readonly do: "revoke"; readonly subject: string }
  | { readonly do: "nothing" }
  | ToClient;

/** One operation, and the shards (modulo their count) that are evicted during it. */
export interface Step {
  readonly action: Action;
  readonly evicted: readonly number[];
}

const KEYS = [
  "",
  "*",
  "*?options={}",
  "chat",
  "chat?options=%7B%7D",
  'chat?options={"headers":{}}',
  "ünï/*",
  "posts",
  "posts/*",
  "posts/r1",
  'posts/r2?options={"query":{"x":1}}',
  'chat?options={"query":{"envelope":1}}',
  'posts/*?options={"query":{"envelope":false}}',
  "c_1/*",
];
const TOPICS = ["chat", "posts/r1", "posts/r1/comments", "posts/*", "ünï/cöde", "unheard", "*"];
const PEERS: readonly Principal[] = [
  {},
  { ip: "192.0.2.1" },
  { identity: "anna" },
  // As with a fresh token that has other rights.
  { identity: "anna", rights: ["posts/*", "posts/r1/*", "chat"] },
  { identity: "carl", rights: ["c_1/*", "posts/r1", "*/x", "posts"] },
  { ip: "192.0.2.1", identity: "bert", rights: ["*"] },
];

const client = fc.nat({ max: 9 });
const shard = fc.nat({ max: 2 });
const peer = fc.constantFrom(...PEERS);
const keys = fc.oneof(
  { weight: 9, arbitrary: fc.array(fc.constantFrom(...KEYS), { maxLength: 8 }) },
  { weight: 1, arbitrary: fc.constant(["chat", "line\nbreak"]) },
);

const common = {
  // Few ids, so that there are many duplicates. An id is generated when it is left out.
  id: fc.option(
    fc.nat({ max: 12 }).map((id) => `m${id}`),
    { nil: undefined },
  ),
  private: fc.constantFrom(false, false, true),
};
const message: fc.Arbitrary<PublishInput> = fc.oneof(
  fc.record({ ...common, topic: fc.constantFrom(...TOPICS), data: fc.string({ unit: "binary" }) }),
  fc.record({
    ...common,
    collection: fc.constantFrom("posts", "c_1"),
    action: fc.constantFrom("create" as const, "update" as const, "delete" as const),
    record: fc.record(
      {
        id: fc.constantFrom("r1", "r2"),
        collectionName: fc.constant("posts"),
        collectionId: fc.constant("c_1"),
      },
      { requiredKeys: ["id"] },
    ),
  }),
);

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("connect" as const),
      shard,
      peer,
      keys,
      envelope: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record(
      { do: fc.constant("subscribe" as const), client, as: peer, keys },
      { requiredKeys: ["do", "client", "keys"] },
    ),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      messages: fc.array(message, { maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      client,
      event: fc.constantFrom("note", "chat", "line\rbreak"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("disconnect" as const), client }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("leave" as const), client, settled: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("revoke" as const),
      // A revoked subject can't connect again, so most steps revoke a subject without clients.
      subject: fc.constantFrom("anna", "bert", "nobody", "nobody", "nobody", "nobody"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("nothing" as const) }) },
);

const evicted = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.uniqueArray(shard, { maxLength: 3 }) },
);

/** The steps of one run. */
export const anySteps: fc.Arbitrary<Step[]> = fc.array(fc.record({ action, evicted }), {
  maxLength: 40,
  size: "max",
});
