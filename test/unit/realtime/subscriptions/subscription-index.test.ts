import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SubscriptionIndex } from "../../../../src/realtime/subscriptions/subscription-index.ts";

/** Keys, and the topic of each, written down and not computed. */
const TOPIC_OF: ReadonlyMap<string, string> = new Map([
  ["a", "a"],
  ["a?options={}", "a"],
  ['a?options={"query":{"x":1}}', "a"],
  ["a/*", "a/*"],
  ["a/*?options=broken", "a/*"],
  ["a/b", "a/b"],
  ["a/b/*", "a/b/*"],
  ["a/b/c", "a/b/c"],
  ["b/*", "b/*"],
  ["b?room=1", "b?room=1"],
  ["*", "*"],
  ["*?options={}", "*"],
  ["__proto__", "__proto__"],
]);
const PUBLISHED = [
  ...["a", "a/b", "a/b/c", "a/b/c/d", "b", "b/x", "b?room=1", "c", "a/*", "*", "a/", ""],
  "__proto__",
];

/** Whether a message to `published` reaches a subscription to `topic`, said as plainly as can be. */
function reaches(published: string, topic: string): boolean {
  if (topic === "*" || topic === published) return true;
  return topic.endsWith("/*") && published.startsWith(topic.slice(0, -1));
}

/** Pairs of client and key, in a list. */
class NaiveIndex {
  pairs: (readonly [client: string, key: string])[] = [];

  replace(client: string, keys: readonly string[]): void {
    const wanted = [...new Set(keys)].filter((key) => key !== "");
    this.pairs = this.pairs.filter(([other]) => other !== client);
    this.pairs.push(...wanted.map((key) => [client, key] as const));
  }

  match(topics: readonly string[]): string[] {
    return this.pairs
      .filter(([, key]) => topics.some((topic) => reaches(topic, TOPIC_OF.get(key) ?? "")))
      .map(([client, key]) => `${key} → ${client}`)
      .sort();
  }
}

function matchOf(index: SubscriptionIndex<string>, topics: readonly string[]): string[] {
  return index
    .match(topics)
    .flatMap(({ key, clients }) => [...clients].map((client) => `${key} → ${client}`))
    .sort();
}

/** Those of the keys that a client has, in the order given. */
function present(index: SubscriptionIndex<string>, keys: readonly string[]): string[] {
  const subscribed = new Set(
    ["anna", "bert", "carl", "dora"].flatMap((name) => index.keysOf(name)),
  );
  return keys.filter((key) => subscribed.has(key));
}

const anyClient = fc.constantFrom("anna", "bert", "carl", "dora");
const anyKeys = fc.array(fc.constantFrom(...TOPIC_OF.keys(), ""), { maxLength: 8 });
const anyTopics = fc.array(fc.constantFrom(...PUBLISHED), { maxLength: 3 });
const anyStep = fc.record({ client: anyClient, keys: fc.option(anyKeys, { nil: undefined }) });

describe("the subscription index", () => {
  it("finds what a list of all pairs finds, whatever was set and removed before", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyStep, anyTopics)), (steps) => {
        const index = new SubscriptionIndex<string>();
        const naive = new NaiveIndex();
        for (const [{ client, keys }, topics] of steps) {
          if (keys === undefined) index.remove(client);
          else index.replace(client, keys);
          naive.replace(client, keys ?? []);
          expect(matchOf(index, topics)).toEqual(naive.match(topics));
          expect(index.size).toBe(naive.pairs.length);
          expect(index.topics).toBe(new Set(naive.pairs.map(([, key]) => TOPIC_OF.get(key))).size);
          const own = naive.pairs.filter(([other]) => other === client).map(([, key]) => key);
          expect(index.keysOf(client).sort()).toEqual(own.sort());
        }
      }),
    );
  });

  it("is empty again when all have left", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyClient, anyKeys)), (steps) => {
        const index = new SubscriptionIndex<string>();
        for (const [client, keys] of steps) index.replace(client, keys);
        for (const [client] of steps) index.remove(client);
        expect([index.size, index.topics]).toEqual([0, 0]);
        expect(index.match(PUBLISHED)).toEqual([]);
        for (const [client] of steps) expect(index.keysOf(client)).toEqual([]);
      }),
    );
  });

  it("gives one order, whenever and in whatever order the keys came and went", () => {
    const keysIn = (index: SubscriptionIndex<string>, topics: readonly string[]) =>
      index.match(topics).map(({ key }) => key);
    const every = new SubscriptionIndex<string>();
    every.replace("all", [...TOPIC_OF.keys()]);
    fc.assert(
      fc.property(fc.array(fc.tuple(anyStep, anyTopics)), (steps) => {
        const index = new SubscriptionIndex<string>();
        const asked = steps.map(([, topics]) => topics);
        for (const [{ client, keys }, topics] of steps) {
          if (keys === undefined) index.remove(client);
          else index.replace(client, keys);
          // Asked in between too: what was found once must not stand in the way.
          expect(keysIn(index, topics)).toEqual(present(index, keysIn(every, topics)));
        }
        for (const topics of asked) {
          expect(keysIn(index, topics)).toEqual(present(index, keysIn(every, topics)));
        }
      }),
    );
  });

  it("gives a client's keys in the order in which all keys are sorted", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyStep, anyTopics)), anyKeys, (steps, keys) => {
        const crowded = new SubscriptionIndex<string>();
        for (const [step] of steps) crowded.replace(step.client, step.keys ?? []);
        crowded.replace("anna", keys);
        const alone = new SubscriptionIndex<string>();
        alone.replace("anna", keys.toReversed());
        for (const [, topics] of steps) {
          const own = crowded.match(topics).filter(({ clients }) => clients.has("anna"));
          expect(own.map(({ key }) => key)).toEqual(alone.match(topics).map(({ key }) => key));
        }
      }),
    );
  });

  it("gives each subscription once, however many of a message's topics reach it", () => {
    const index = new SubscriptionIndex<string>();
    index.replace("anna", ["posts/*", "*", "posts"]);
    const found = index.match(["posts/r1", "posts", "posts/r1", "c1/r1", "c1"]);
    expect(found.map(({ key }) => key).sort()).toEqual(["*", "posts", "posts/*"]);
  });

  it("has one subscription for all clients of a key, with its topic", () => {
    const index = new SubscriptionIndex<string>();
    const key = 'posts/*?options={"query":{"a":1}}';
    index.replace("anna", [key]);
    index.replace("bert", [key]);
    const found = index.match(["posts/r1"]);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      key,
      topic: "posts/*",
    });
    expect([...(found[0]?.clients ?? [])]).toEqual(["anna", "bert"]);
  });

  it("keeps a client in a subscription that it already has", () => {
    const index = new SubscriptionIndex<string>();
    index.replace("anna", ["a"]);
    index.replace("bert", ["a"]);
    index.replace("anna", ["b", "a"]);
    expect(matchOf(index, ["a"])).toEqual(["a → anna", "a → bert"]);
    expect([...(index.match(["a"])[0]?.clients ?? [])]).toEqual(["anna", "bert"]);
  });

  it("does not touch the list it was given", () => {
    const keys = Object.freeze(["a", "", "a"]);
    new SubscriptionIndex<string>().replace("anna", keys);
    expect(keys).toEqual(["a", "", "a"]);
  });

  it("knows nothing of a client it never had", () => {
    const index = new SubscriptionIndex<string>();
    index.remove("nobody");
    expect(index.keysOf("nobody")).toEqual([]);
    expect([index.size, index.topics]).toEqual([0, 0]);
  });
});

describe("topics without subscribers", () => {
  it("are not counted, however many come and go", () => {
    const index = new SubscriptionIndex<string>();
    for (let n = 0; n < 5000; n++) index.replace("a", [`topic/${n}`, `again/${n % 3}`]);
    expect(index.topics).toBe(2);
    expect([...index.countTopics()].sort()).toEqual([
      ["again/1", 1],
      ["topic/4999", 1],
    ]);
    expect(index.match(["topic/4998"])).toEqual([]);
    expect(index.match(["again/1"]).map(({ key }) => key)).toEqual(["again/1"]);
    index.remove("a");
    expect([index.topics, index.size]).toEqual([0, 0]);
    expect([...index.countTopics()]).toEqual([]);
  });
});
