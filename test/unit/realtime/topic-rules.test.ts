import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_TOPIC_RULES, type TopicRule, TopicRules } from "../../../src/realtime/topic-rules.ts";

/** Rules as they may come from JSON. */
function rulesOf(...rules: readonly unknown[]): TopicRules {
  // The cast: JSON of a user may have any shape.
  return new TopicRules(rules as TopicRule[]);
}

describe("topic rules", () => {
  it("apply to the topics that a subscription with the same key would receive", () => {
    const rules = rulesOf({ match: "chat/*" }, { match: "news" });
    const found = ["chat/1", "chat/1/x", "chat", "news", "news/1", "other"];
    expect(found.map((topic) => rules.indexOf(topic))).toEqual([
      0,
      0,
      undefined,
      1,
      undefined,
      undefined,
    ]);
  });

  it("apply in their order: the first one that matches", () => {
    const rules = rulesOf({ match: "chat/public/*" }, { match: "chat/*", keep: 5 }, { match: "*" });
    expect(rules.ruleOf("chat/public/1")).toEqual({ match: "chat/public/*" });
    expect(rules.ruleOf("chat/1")).toEqual({ match: "chat/*", keep: 5 });
    expect(rules.ruleOf("other")).toEqual({ match: "*" });
  });

  it("apply to $presence/ only if they begin with it, so that a rule for all topics does not open it", () => {
    const all = { match: "*", private: false, presence: true };
    expect(rulesOf(all).ruleOf("$presence/chat")).toBeUndefined();
    const own = { match: "$presence/*", private: false, ttl: 60 };
    // The rule for all topics does not cover the later rule.
    expect(rulesOf(all, own).ruleOf("$presence/chat")).toEqual(own);
  });

  it.each(["presence", "keep"])("of $presence/ can't have %s", (field) => {
    const rule = { match: "$presence/chat", [field]: field === "keep" ? 5 : true };
    expect(() => rulesOf({ match: "a" }, rule)).toThrow(
      `topics[1].${field} can't be set for topics of $presence/. Leave it out`,
    );
  });

  it("find nothing without rules", () => {
    expect(new TopicRules().ruleOf("chat")).toBeUndefined();
  });

  it("find the rule that a search of the whole list finds first", () => {
    const level = fc.constantFrom("a", "b", "");
    const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join("/"));
    const match = fc.oneof(
      topic.filter((text) => text !== ""),
      topic.map((prefix) => `${prefix}/*`),
      fc.constant("*"),
    );
    fc.assert(
      fc.property(fc.array(match, { maxLength: 8 }), fc.array(topic), (matches, topics) => {
        const reachable = matches.filter(
          (text, index) => !matches.slice(0, index).some((earlier) => covers(earlier, text)),
        );
        const rules = rulesOf(...reachable.map((text) => ({ match: text })));
        for (const name of topics) {
          const first = reachable.findIndex((text) => covers(text, name));
          expect(rules.indexOf(name)).toBe(first === -1 ? undefined : first);
        }
      }),
    );
  });

  it("refuse a rule that an earlier one covers, and only such a rule", () => {
    const pairs = [
      ["chat/*", "chat/1"],
      ["chat/*", "chat/room/*"],
      ["*", "chat"],
      ["chat", "chat"],
    ] as const;
    for (const [broad, narrow] of pairs) {
      expect(() => rulesOf({ match: broad }, { match: narrow }), narrow).toThrow(
        /^topics\[1\] never applies, because topics\[0\] covers/,
      );
    }
    expect(rulesOf({ match: "chat/1" }, { match: "chat/*" }).indexOf("chat/1")).toBe(0);
  });

  it.each([
    [[{ match: "a" }, {}], 'topics[1].match must be a topic, "prefix/*" or "*".'],
    [[{ match: "" }], "topics[0].match must be"],
    [[{ match: "a*" }], "topics[0].match must be"],
    [[{ match: "*/a" }], "topics[0].match must be"],
    [[{ match: "a/*/*" }], "topics[0].match must be"],
    [[{ match: "a\nb" }], "topics[0].match must be"],
    [[{ match: 1 }], "topics[0].match must be"],
    [[{ match: "a", keep: 0 }], "topics[0].keep must be a whole number from 1 to 10000."],
    [[{ match: "a", keep: 10_001 }], "topics[0].keep must be"],
    [[{ match: "a", keep: "1" }], "topics[0].keep must be"],
    [[{ match: "a", keep: null }], "topics[0].keep must be"],
    [[{ match: "a", private: 1 }], "topics[0].private must be true or false."],
    [[{ match: "a", ttl: 0.5 }], "topics[0].ttl must be a whole number of seconds from 1 to"],
    [[{ match: "a", kep: 1 }], 'topics[0] has an unknown field "kep". Did you mean "keep"?'],
    [[{ match: "a", constructor: 1 }], 'topics[0] has an unknown field "constructor". The fields'],
    [["a"], "topics[0] must be an object"],
  ])("refuse %j, and say what to do", (rules, message) => {
    const build = () => rulesOf(...rules);
    expect(build).toThrow(message);
    expect(build).toThrow(expect.objectContaining({ code: "invalid_config" }));
  });

  it("refuse more than 1,000 rules", () => {
    const rules = Array.from({ length: MAX_TOPIC_RULES + 1 }, (_, index) => ({
      match: `${index}`,
    }));
    expect(new TopicRules(rules.slice(1)).indexOf("1000")).toBe(999);
    expect(() => new TopicRules(rules)).toThrow("topics has 1001 rules.");
  });

  it("refuse what is not a list", () => {
    // The cast: JSON of a user may have any shape.
    const build = () => new TopicRules({ match: "a" } as unknown as TopicRule[]);
    expect(build).toThrow("topics must be a list of rules");
  });

  it("take a field that is undefined as left out", () => {
    expect(rulesOf({ match: "a", keep: undefined }).indexOf("a")).toBe(0);
  });
});

/** Whether a pattern matches a text, which may itself be a pattern. */
function covers(pattern: string, text: string): boolean {
  if (pattern === "*" || pattern === text) return true;
  return pattern.endsWith("/*") && text.startsWith(pattern.slice(0, -1));
}
