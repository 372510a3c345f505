import fc from "fast-check";

/** The topics with presence. */
export const TOPICS = ["chat/1", "chat/2"] as const;

/** The keys that clients subscribe to. */
export const KEYS = [...TOPICS, ...TOPICS.map((topic) => `$presence/${topic}`), "*"] as const;

/** A user by number; `guest` and `admin` have no number. */
export type Who = number | "guest" | "admin";

/** How a stream ends: the client closes it, it has become stale, an operator ends it, or its sink takes no more frames. */
export type End = "client" | "stale" | "admin" | "slow";

/** The contents of a credential besides its user. */
interface Credential {
  /** The claim `info` is `{"name":<version>}`. */
  readonly version: number;
  /** Whether the credential has the right to the presence topics. */
  readonly sees: boolean;
}

interface Connect extends Credential {
  readonly type: "connect";
  readonly source: number;
  readonly who: Who;
  readonly keys: readonly string[];
}

interface Subscribe extends Credential {
  readonly type: "subscribe";
  readonly client: number;
  /** The sender of the request. A request is refused unless it is from the stream's user, or the stream is a guest's. */
  readonly who: Who;
  readonly keys: readonly string[];
}

/** One step of a run. Clients are numbered; the run takes a number modulo the clients that it has. */
export type Step =
  | Connect
  | Subscribe
  | { readonly type: "end"; readonly client: number; readonly how: End }
  | { readonly type: "resume"; readonly client: number; readonly source: number }
  | {
      readonly type: "info";
      readonly client: number;
      readonly topic: string;
      readonly added: object;
    }
  | { readonly type: "revoke"; readonly user: number }
  | { readonly type: "hold" | "release"; readonly client: number }
  | { readonly type: "kill"; readonly source: number }
  | { readonly type: "pass"; readonly graces: number };

const user = fc.nat({ max: 2 });
const client = fc.nat({ max: 30 });
const source = fc.nat({ max: 7 });
const who = fc.oneof(
  { arbitrary: user, weight: 5 },
  { arbitrary: fc.constant("guest" as const), weight: 3 },
  { arbitrary: fc.constant("admin" as const), weight: 1 },
);
const keys = fc.subarray([...KEYS]);
const credential = { version: fc.nat({ max: 2 }), sees: fc.boolean() };
const added = fc.constantFrom({}, { typing: true }, { x: 1, y: 2 });

/** The steps of a run. `pass` never ends near the end of a grace, because 0.4 graces don't add up to one. */
export const steps = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        type: fc.constant("connect" as const),
        source,
        who,
        keys,
        ...credential,
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant("subscribe" as const),
        client,
        who,
        keys,
        ...credential,
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant("end" as const),
        client,
        how: fc.constantFrom<End>("client", "stale", "admin", "slow"),
      }),
    },
    { weight: 5, arbitrary: fc.record({ type: fc.constant("resume" as const), client, source }) },
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant("info" as const),
        client,
        topic: fc.constantFrom(...TOPICS),
        added,
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("revoke" as const), user }) },
    {
      weight: 2,
      arbitrary: fc.record({ type: fc.constantFrom("hold" as const, "release" as const), client }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("kill" as const), source }) },
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant("pass" as const),
        graces: fc.constantFrom(0.4, 1.5),
      }),
    },
  ),
  { minLength: 5, maxLength: 60, size: "max" },
) satisfies fc.Arbitrary<Step[]>;
