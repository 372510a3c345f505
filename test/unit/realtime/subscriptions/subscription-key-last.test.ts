import { describe, expect, it } from "vitest";
import { parseSubscription } from "../../../../src/realtime/subscriptions/subscription-key.ts";
import { MAX_LAST } from "../../../../src/realtime/types.ts";

/** `last` of a key with these options. */
const lastOf = (options: unknown) =>
  parseSubscription(`chat?options=${encodeURIComponent(JSON.stringify(options))}`).options.last;

/** What is written, and how many it stands for. */
const numbers: [value: unknown, last: number | undefined][] = [
  [1, 1],
  [5, 5],
  [999, 999],
  [1000, 1000],
  ["1", 1],
  ["5", 5],
  ["005", 5],
  ["1000", 1000],
];

const beyondTheBound = [1001, 100_000, "1001", "100000", 999_999_999_999_999, "999999999999999"];

const noNumbers: unknown[] = [
  ...[0, -0, "0", "000", -1, "-1", "-0", -1000],
  ...[1.5, "1.5", "5.0", "5,0", 0.1, "1e3", "0x5", "1_000", "+5", " 5", "5 ", "５", "٥"],
  ...["", " ", "x", "5x", "x5", "NaN", "Infinity", "null", "true"],
  ...[null, true, false, [], [5], {}, { last: 5 }],
];

describe("last in a subscription's options", () => {
  for (const [location, options] of [
    ["at the top", (last: unknown) => ({ last })],
    ["in the query", (last: unknown) => ({ query: { last } })],
  ] as const) {
    it(`${location} is a whole number, or its digits`, () => {
      for (const [value, last] of numbers) {
        expect(lastOf(options(value)), JSON.stringify(value)).toBe(last);
      }
    });

    it(`${location} is ${MAX_LAST} when it says more`, () => {
      for (const value of beyondTheBound) {
        expect(lastOf(options(value)), JSON.stringify(value)).toBe(MAX_LAST);
      }
    });

    it(`${location} is none when it is anything else`, () => {
      for (const value of noNumbers) {
        expect(lastOf(options(value)), JSON.stringify(value)).toBeUndefined();
      }
    });
  }

  it("is none where nothing says so", () => {
    expect(parseSubscription("chat").options.last).toBeUndefined();
    expect(parseSubscription("chat?last=5").options.last).toBeUndefined();
    expect(parseSubscription("chat?options=broken&last=5").options.last).toBeUndefined();
    expect(lastOf({})).toBeUndefined();
    expect(lastOf({ query: {}, headers: { last: 5 } })).toBeUndefined();
    expect(lastOf({ Last: 5, query: { LAST: 5 } })).toBeUndefined();
    expect(lastOf({ query: [5] })).toBeUndefined();
  });

  it("at the top goes before that in the query, where it says anything", () => {
    expect(lastOf({ last: 3, query: { last: 5 } })).toBe(3);
    expect(lastOf({ last: 0, query: { last: 5 } })).toBeUndefined();
    for (const last of [undefined, null, "", [], {}]) {
      expect(lastOf({ last, query: { last: 5 } }), JSON.stringify(last)).toBe(5);
    }
  });

  it("stays in the query too, and the topic is without it", () => {
    const { topic, options } = parseSubscription('chat?room=1&options={"query":{"last":5,"a":1}}');
    expect(topic).toBe("chat?room=1");
    expect(options).toEqual({ query: { last: "5", a: "1" }, headers: {}, last: 5 });
    expect(parseSubscription('chat?options={"last":5}').options).toEqual({
      query: {},
      headers: {},
      last: 5,
    });
  });
});
