import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/config/config.ts";
import { logRules, type Rules } from "../../../src/config/rules.ts";

/** The message of the error for a value of REALTIME_RULES. */
function faultOf(text: string): string {
  try {
    readConfig({ REALTIME_RULES: text });
  } catch (error) {
    expect(error).toMatchObject({ code: "invalid_config" });
    return String(error).replace("RealtimeError: ", "");
  }
  throw new Error("The rules were accepted.");
}

describe("the variable REALTIME_RULES", () => {
  it("is JSON with the rules of each collection", () => {
    const rules = {
      posts: { listRule: "status = 'open'", viewRule: null, hidden: ["secret"] },
      "*": { listRule: "" },
    };
    expect(readConfig({ REALTIME_RULES: ` ${JSON.stringify(rules)}\n` }).rules).toEqual(rules);
    expect(readConfig({ REALTIME_RULES: "{}" }).rules).toEqual({});
  });

  it("sets no rules when it is empty", () => {
    expect(readConfig({}).rules).toBeUndefined();
    expect(readConfig({ REALTIME_RULES: " " }).rules).toBeUndefined();
  });

  it.each(["rules.json", '["posts"]', "null"])("is not another text: %s", (text) => {
    expect(faultOf(text)).toBe(
      'REALTIME_RULES is invalid. The rules must be a JSON object that begins with "{". Only the programs for Node and Bun accept the path of a JSON file.',
    );
  });

  it.each([
    '{"posts": {"listRule": secret-value}}',
    `{"posts": {"listRule": secret-value}, "${"x".repeat(100)}": {}}`,
    '{"posts": {"listRule": ""}',
    '{"posts": {"listRule": "secret-value',
    '{"posts": {"secret-value": ,}}',
  ])("is not a text that only looks like JSON, and the text is not shown: %s", (text) => {
    const message = faultOf(text);
    expect(message).toMatch(/^REALTIME_RULES is invalid\. The JSON can't be parsed\. .{10,120}\.$/);
    expect(message).not.toContain("secret-value");
    expect(message).not.toContain("posts");
  });

  it("is named with the collection and the property in the error for a rule, beside the errors of other variables", () => {
    const other = { listRule: "note = 'not shown'" };
    const rules = { other, posts: { viewRule: "id = @collection.a.b" } };
    const environment = { REALTIME_RULES: JSON.stringify(rules), PORT: "x" };
    const read = () => readConfig(environment);
    expect(read).toThrow(
      /^PORT must be .*\nREALTIME_RULES is invalid\. The viewRule of the collection "posts" is invalid\. Invalid filter at position 5: [^\n]+$/,
    );
    expect(read).not.toThrow("not shown");
  });
});

describe("the variable REALTIME_TOPICS", () => {
  const read = (REALTIME_TOPICS: string) => readConfig({ REALTIME_TOPICS });

  it("is JSON with the topic rules, in their order", () => {
    const topics = [
      { match: "chat/*", keep: 100, private: true },
      { match: "*", ttl: 60 },
    ];
    expect(read(JSON.stringify(topics)).topics).toEqual(topics);
    expect(read("[]").topics).toEqual([]);
    expect(read(" ").topics).toBeUndefined();
  });

  it("says which field of which rule is wrong", () => {
    expect(() => read('[{"match":"a"},{"match":"b","keep":0}]')).toThrow(
      /^REALTIME_TOPICS is invalid\. topics\[1\]\.keep must be a whole number from 1 to 10000\.$/,
    );
  });

  it.each(['{"match":"a"}', "topics.json"])("is not another text: %s", (text) => {
    expect(() => read(text)).toThrow(
      'REALTIME_TOPICS is invalid. The rules must be a JSON list that begins with "[". Only the programs',
    );
  });
});

describe("the log line about rules", () => {
  const linesOf = (rules: Rules | undefined) => {
    const lines: unknown[] = [];
    const info = (message: string, fields?: object) => lines.push([message, fields]);
    const ignore = () => {};
    logRules(rules, { debug: ignore, info, warn: ignore, error: ignore });
    return lines;
  };

  it("has the number of collections with rules, and says that the others are open", () => {
    const rules = { posts: { listRule: null }, users: { viewRule: "" }, tags: { hidden: ["a"] } };
    const fields = { collections: 2, others: "open to everyone" };
    expect(linesOf(rules)).toEqual([["access rules", fields]]);
    expect(linesOf({ "*": { hidden: ["a"] } })).toEqual([
      ["access rules", { collections: 0, others: "open to everyone" }],
    ]);
  });

  it("says that the entry * has rules for the others", () => {
    expect(linesOf({ "*": { listRule: null }, posts: { listRule: "" } })).toEqual([
      ["access rules", { collections: 1, others: "the rules of *" }],
    ]);
  });

  it("is absent without rules", () => {
    expect(linesOf(undefined)).toEqual([]);
  });
});
