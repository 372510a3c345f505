import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileRights } from "../../../../src/realtime/access/rights.ts";
import { SubscriptionIndex } from "../../../../src/realtime/subscriptions/subscription-index.ts";
import { matchingTopics } from "../../../../src/realtime/subscriptions/subscription-key.ts";

const part = fc.constantFrom("a", "b", "c");
const topic = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const pattern = fc.oneof(
  topic,
  topic.map((text) => `${text}/*`),
  fc.constant("*"),
);
const patterns = fc.array(pattern, { maxLength: 5 });

/** As protocol.md says it of a subscription. */
const reaches = (pattern: string, topic: string) => matchingTopics(topic).includes(pattern);

describe("a right", () => {
  it.each([
    ["*", "anything/at/all", true],
    ["*", "*", true],
    ["posts", "posts", true],
    ["posts", "posts/r1", false],
    ["posts", "posts/*", false],
    ["posts/*", "posts", false],
    ["posts/*", "posts/", true],
    ["posts/*", "posts/r1/comments", true],
    ["posts/*", "posts/*", true],
    ["posts/*", "posts/r1/*", true],
    ["posts/*", "postscript/r1", false],
    ["posts/r1", "posts/*", false],
    ["posts/*", "*", false],
    ["*/x", "a/x", false],
    ["", "", true],
  ])("to %j covers %j: %j", (right, topic, is) => {
    expect(compileRights([right]).covers(topic)).toBe(is);
  });

  it("covers what a subscription to it would reach", () => {
    fc.assert(
      fc.property(pattern, topic, (right, topic) => {
        expect(compileRights([right]).covers(topic)).toBe(reaches(right, topic));
      }),
    );
  });
});

describe("what rights cover of a subscription", () => {
  it("reaches a topic exactly when the subscription and a right do, and only once", () => {
    fc.assert(
      fc.property(pattern, patterns, topic, (subscribed, rights, topic) => {
        const parts = compileRights(rights)
          .coveredTopics(subscribed)
          .filter((part) => reaches(part, topic));
        const may = reaches(subscribed, topic) && rights.some((right) => reaches(right, topic));
        expect(parts).toHaveLength(may ? 1 : 0);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("many rights", () => {
  /** As plainly as can be: each pattern is looked at. */
  const covers = (pattern: string, topic: string) =>
    pattern === "*" ||
    pattern === topic ||
    (pattern.endsWith("/*") && topic.startsWith(pattern.slice(0, -1)));

  it("cover what one of them covers", () => {
    fc.assert(
      fc.property(patterns, pattern, (rights, topic) => {
        const { covers: covered } = compileRights(rights);
        expect(covered(topic)).toBe(rights.some((right) => covers(right, topic)));
      }),
      { numRuns: 2000 },
    );
  });

  it("are said by the fewest topics, in which no one covers another", () => {
    fc.assert(
      fc.property(patterns, pattern, (rights, topic) => {
        const parts = compileRights(rights).coveredTopics(topic);
        for (const part of parts) {
          expect(covers(topic, part)).toBe(true);
          expect(parts.filter((other) => covers(other, part))).toEqual([part]);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("private messages", () => {
  it("reach each client's key once, by all rights at once and all names of a message", () => {
    const index = new SubscriptionIndex<string>();
    index.replace("anna", ["*", "posts/*"], ["posts/r1", "c_1/*"]);
    index.replace("bert", ["*"], ["posts/*"]);
    index.replace("carl", ["*"]);
    const matched = index.match(["posts/r1", "posts", "c_1/r1", "c_1"], true);
    const found = matched.flatMap(({ key, clients }) => [...clients].map((name) => [name, key]));
    expect(found.toSorted()).toEqual([
      ["anna", "*"],
      ["anna", "posts/*"],
      ["bert", "*"],
    ]);
    expect(index.match(["posts/r2"], true).flatMap(({ clients }) => [...clients])).toEqual([
      "bert",
    ]);
  });

  it("leave nothing behind in the index when rights and clients have gone", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), patterns, patterns), { maxLength: 20 }), (steps) => {
        const index = new SubscriptionIndex<number>();
        for (const [client, keys, rights] of steps) index.replace(client, keys, rights);
        for (const [client] of steps) index.changeRights(client, []);
        expect(index.match(["a/b/c/a"], true)).toEqual([]);
        for (const [client] of steps) index.remove(client);
        expect([index.size, index.topics]).toEqual([0, 0]);
      }),
    );
  });
});
