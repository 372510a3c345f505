import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  envelopeKey,
  eventNameOf,
  isEnvelopeKey,
  matchingTopics,
  maySelect,
  parseSubscription,
  topicOf,
} from "../../../../src/realtime/subscriptions/subscription-key.ts";

const NONE = { query: {}, headers: {} };

/** A key as the PocketBase SDK makes it (RealtimeService.ts, `subscribe`). */
function sdkKey(topic: string, options: unknown): string {
  const separator = topic.includes("?") ? "&" : "?";
  return `${topic}${separator}options=${encodeURIComponent(JSON.stringify(options))}`;
}

describe("a subscription key", () => {
  // PocketBase tools/subscriptions/client_test.go, TestSubscribeOptions.
  it("without options is a topic", () => {
    expect(parseSubscription("test1")).toEqual({ key: "test1", topic: "test1", options: NONE });
  });

  it("with options is a topic and its options, as PocketBase takes them", () => {
    const key = 'test2?options={"query":{"name":123},"headers":{"X-Token":456}}';
    expect(parseSubscription(key)).toEqual({
      key,
      topic: "test2",
      options: { query: { name: "123" }, headers: { x_token: "456" } },
    });
  });

  it("with options encoded as the SDK does it is the same", () => {
    const options = {
      query: { filter: "a = 'x&y=z' + 50%?#/", fields: "id" },
      headers: { A: "ü" },
    };
    expect(parseSubscription(sdkKey("posts/*", options))).toMatchObject({
      topic: "posts/*",
      options: { query: options.query, headers: { a: "ü" } },
    });
  });

  it("gives back every query that the SDK can send, and the topic as it was", () => {
    const anyTopic = fc.string({ unit: fc.constantFrom(..."ab?&=/*#%+ü🦊"), minLength: 1 });
    const anyQuery = fc.dictionary(fc.string(), fc.string({ unit: "grapheme" }));
    fc.assert(
      fc.property(anyTopic, anyQuery, (topic, query) => {
        const key = sdkKey(topic, { query, headers: {} });
        const parsed = parseSubscription(key);
        expect(parsed.key).toBe(key);
        // Nothing stands between a "?" at the end and the options, so it goes with them.
        expect(parsed.topic).toBe(/^[^?]*\?$/.test(topic) ? topic.slice(0, -1) : topic);
        expect(Object.entries(parsed.options.query)).toEqual(
          Object.entries(JSON.parse(JSON.stringify(query))),
        );
      }),
    );
  });

  it("keeps the query that the topic has of its own", () => {
    const options = { query: { a: 1 }, headers: {} };
    for (const topic of ["chat?room=1", "chat?room=1&page=2", "chat?a", "chat?a?b"]) {
      expect(parseSubscription(sdkKey(topic, options))).toMatchObject({
        topic,
        options: { query: { a: "1" } },
      });
    }
    expect(parseSubscription("chat?options={}&room=1").topic).toBe("chat?room=1");
    expect(parseSubscription("chat?room=1&options={}&page=2").topic).toBe("chat?room=1&page=2");
  });

  it("without options is a topic as it stands, whatever else is in it", () => {
    for (const key of [
      "chat?room=1",
      "a&options={}",
      "options={}",
      "a?b&myoptions={}",
      "a?",
      "?",
      "",
    ]) {
      expect(parseSubscription(key)).toEqual({ key, topic: key, options: NONE });
    }
  });

  it("with malformed options is its topic with empty options, and says so", () => {
    const broken = [
      "{",
      "null",
      "1",
      '"x"',
      "[]",
      "[1]",
      "%",
      "%7",
      "%ff%fe",
      "{}}",
      "undefined",
      '{"filter":"a=1"}',
    ];
    for (const text of broken) {
      const key = `a/b?options=${text}`;
      expect(parseSubscription(key), key).toEqual({
        key,
        topic: "a/b",
        options: { ...NONE, isMalformed: true },
      });
    }
    expect(parseSubscription("a/b?options=").options).toEqual(NONE);
  });

  it("with a query or headers that are not objects has none of them", () => {
    for (const value of ["null", "1", '"x"', "[]", "[[1]]", "true"]) {
      const { options } = parseSubscription(`a?options={"query":${value},"headers":${value}}`);
      expect(options, value).toEqual(NONE);
    }
    expect(parseSubscription('a?options={"query":{"x":"y"}}').options).toEqual({
      query: { x: "y" },
      headers: {},
    });
  });

  it("has every value as text, and an empty one for what is no scalar", () => {
    const query = {
      s: "x",
      n: 1.5,
      t: true,
      f: false,
      z: 0,
      nil: null,
      list: [1],
      object: { a: 1 },
    };
    expect(parseSubscription(sdkKey("a", { query })).options.query).toEqual({
      s: "x",
      n: "1.5",
      t: "true",
      f: "false",
      z: "0",
      nil: "",
      list: "",
      object: "",
    });
  });

  it("reads + as a space, as forms do", () => {
    const parsed = parseSubscription('a?options={"query":{"x":"a+b%2Bc"}}');
    expect(parsed.options.query).toEqual({ x: "a b+c" });
  });

  it("may have names that JavaScript treats in its own way, and they stay names", () => {
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
    const query = `{${names.map((name) => `"${name}":"x"`).join(",")}}`;
    const { options } = parseSubscription(`a?options={"query":${query},"headers":${query}}`);
    expect(Object.keys(options.query)).toEqual(names);
    expect(Object.getPrototypeOf(options.query)).toBe(Object.prototype);
    expect(Object.values(options.query)).toEqual(["x", "x", "x", "x"]);
    expect(Object.keys(options.headers)).toEqual([
      "proto",
      "constructor",
      "to_string",
      "has_own_property",
    ]);
    expect(parseSubscription("__proto__?options={}").topic).toBe("__proto__");
    const top = parseSubscription('a?options={"__proto__":{"query":{"x":"y"}}}');
    expect(top.options).toEqual(NONE);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  // PocketBase tools/inflector/inflector_test.go, TestSnakecase.
  const names: [header: string, name: string][] = [
    ["X-Token", "x_token"],
    ["x_token", "x_token"],
    ["Authorization", "authorization"],
    ["myTestDB", "my_test_db"],
    ["John Doe", "john_doe"],
    ["John_Doe", "john_doe"],
    [".a!b@c#d$e%123. ", "a_b_c_d_e_123"],
    ["HelloWorld", "hello_world"],
    ["HelloWorld1HelloWorld2", "hello_world1_hello_world2"],
    ["TEST", "test"],
    ["testABR", "test_abr"],
    ["!@#$%^", ""],
    ["", ""],
  ];
  for (const [header, name] of names) {
    it(`has its header ${JSON.stringify(header)} as ${JSON.stringify(name)}`, () => {
      const { options } = parseSubscription(sdkKey("a", { headers: { [header]: "v" } }));
      expect(options.headers).toEqual({ [name]: "v" });
    });
  }

  it("of any text at all is taken apart without an error", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.string({ unit: "binary" }),
        (topic, options) => {
          const key = `${topic}?options=${options}`;
          const parsed = parseSubscription(key);
          expect(parsed.key).toBe(key);
          expect(topic.startsWith(parsed.topic.split("?")[0] ?? "")).toBe(true);
        },
      ),
    );
  });
});

describe("the internal key for envelopes", () => {
  const anyKey = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.tuple(fc.string(), fc.jsonValue()).map(([topic, options]) => sdkKey(topic, options)),
  );
  const anySentKey = anyKey.filter((key) => !key.endsWith("\n"));

  it("has the topic and the options of the key that the client sent, and gives it back", () => {
    fc.assert(
      fc.property(anySentKey, (key) => {
        const internal = envelopeKey(key);
        expect(internal).not.toBe(key);
        expect([isEnvelopeKey(internal), isEnvelopeKey(key)]).toEqual([true, false]);
        expect([eventNameOf(internal), eventNameOf(key)]).toEqual([key, key]);
        expect(topicOf(internal)).toBe(topicOf(key));
        expect(parseSubscription(internal)).toEqual({ ...parseSubscription(key), key: internal });
        expect(maySelect(internal)).toBe(true);
      }),
    );
  });

  it.each(["chat?options={}", "chat?a=1&options={}&b=2", "chat?options=broken"])(
    "of %j has the same topic and options, wherever the options are",
    (key) => {
      expect(parseSubscription(envelopeKey(key))).toEqual({
        ...parseSubscription(key),
        key: envelopeKey(key),
      });
    },
  );
});

describe("a topic", () => {
  const cases: [topic: string, matches: string[]][] = [
    ["chat", ["*", "chat"]],
    ["a/b/c", ["*", "a/*", "a/b/*", "a/b/c"]],
    ["posts/r1", ["*", "posts/*", "posts/r1"]],
    ["a/", ["*", "a/", "a/*"]],
    ["/a", ["*", "/*", "/a"]],
    ["/", ["*", "/", "/*"]],
    ["a//b", ["*", "a/*", "a//*", "a//b"]],
    ["a/*", ["*", "a/*"]],
    ["a/*/b", ["*", "a/*", "a/*/*", "a/*/b"]],
    ["*", ["*"]],
    ["*/a", ["*", "*/*", "*/a"]],
  ];
  for (const [topic, matches] of cases) {
    it(`${topic} reaches ${matches.join(" and ")}, each once`, () => {
      expect(matchingTopics(topic).sort()).toEqual([...matches].sort());
    });
  }

  it("reaches as many subscriptions as it has levels, and each only once", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "*", "", "b c"), { minLength: 1 }), (levels) => {
        const topic = levels.join("/");
        const matches = matchingTopics(topic);
        expect(new Set(matches).size).toBe(matches.length);
        expect(matches).toContain(topic);
        expect(matches).toContain("*");
        for (let depth = 1; depth < levels.length; depth += 1) {
          expect(matches).toContain(`${levels.slice(0, depth).join("/")}/*`);
        }
        expect(matches.length).toBeLessThanOrEqual(levels.length + 1);
      }),
    );
  });
});
