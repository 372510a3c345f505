import { describe, expect, it } from "vitest";
import { RealtimeManager } from "../../../../src/realtime/manager.ts";
import type { CollectionRules } from "../../../../src/realtime/records/collection.ts";
import { AccessRules, mergeCollection } from "../../../../src/realtime/records/rules.ts";

const EVERYONE = { list: "everyone", view: "everyone", manage: "administrators" };
const RECORD = { id: "r1" };

const change = (name: string, id?: string) => ({ collection: { name, id } });

/** The message of the error for rules as they come from JSON. */
function faultOf(rules: unknown): string {
  try {
    // The cast: rules from JSON may have any shape.
    new AccessRules(rules as Record<string, CollectionRules>);
  } catch (error) {
    expect(error).toMatchObject({ code: "invalid_config" });
    return String(error).replace("RealtimeError: ", "");
  }
  throw new Error("The rules were accepted.");
}

describe("the rules of a collection", () => {
  it("are found by the name and the id of an event's collection, and by those in the record", () => {
    const rules = new AccessRules({ posts: { id: "c1", listRule: null } });
    const found = rules.of(change("posts"), RECORD);
    expect(found?.list).toBe("administrators");
    expect(rules.of(change("c1"), RECORD)).toBe(found);
    expect(rules.of(change("articles", "c1"), RECORD)).toBe(found);
    expect(rules.of(change("articles"), { ...RECORD, collectionName: "posts" })).toBe(found);
    expect(rules.of(change("articles"), { ...RECORD, collectionId: "c1" })).toBe(found);
    expect(rules.ofTopic("posts/r1")).toBe(found);
    expect(rules.ofTopic("c1")).toBe(found);
    expect(rules.of(change("articles"), RECORD)).toBeUndefined();
  });

  it("may be in an entry with the collection's id, which names the collection", () => {
    const rules = new AccessRules({ c1: { name: "posts", viewRule: null } });
    expect(rules.of(change("posts"), RECORD)?.view).toBe("administrators");
  });

  it("are those of the entry * for a collection without an entry", () => {
    const rules = new AccessRules({ "*": { listRule: null }, posts: { listRule: "" } });
    expect(rules.of(change("users"), RECORD)?.list).toBe("administrators");
    expect(rules.of(change("posts"), RECORD)?.list).toBe("everyone");
    expect(rules.ofTopic("users/r1")?.list).toBe("administrators");
  });

  it("are not those of the entry * if the collection has an entry, even one without rules", () => {
    const rules = new AccessRules({ "*": { listRule: null, viewRule: null }, posts: {} });
    expect(rules.of(change("posts"), RECORD)).toMatchObject(EVERYONE);
  });

  it("are not those of a property that every object has", () => {
    const rules = new AccessRules({ posts: { listRule: null } });
    expect(rules.of(change("constructor"), RECORD)).toBeUndefined();
    expect(rules.ofTopic("__proto__/r1")).toBeUndefined();
  });

  it.each(["listRule", "viewRule"] as const)("are closed otherwise if only %s is given", (rule) => {
    const { list, view } = new AccessRules({ posts: { [rule]: "" } }).ofTopic("posts") ?? {};
    const closed = rule === "listRule" ? view : list;
    expect([list, view].toSorted()).toEqual(["administrators", "everyone"]);
    expect(closed).toBe("administrators");
  });

  it("are open if neither is given, and a property that is undefined counts as absent", () => {
    const entry = { type: undefined, hidden: undefined, listRule: undefined, viewRule: undefined };
    expect(new AccessRules({ posts: entry }).ofTopic("posts")).toMatchObject(EVERYONE);
    expect(new AccessRules({ posts: {} }).ofTopic("posts")).toMatchObject(EVERYONE);
  });
});

describe("what rules say about a collection", () => {
  it("wins over what an event says, field by field, and hidden fields add up", () => {
    const event = {
      name: "users",
      type: "base",
      fields: { a: "text", b: "json" },
      hidden: ["a"],
    } as const;
    const declared = { id: "c1", type: "auth", fields: { b: "text" }, hidden: ["b"] } as const;
    expect(mergeCollection(event, declared)).toEqual({
      name: "users",
      id: "c1",
      type: "auth",
      fields: { a: "text", b: "text" },
      hidden: ["a", "b"],
    });
    expect(mergeCollection(event, undefined)).toBe(event);
  });
});

describe("rules that are refused", () => {
  it.each([
    ["no object", [], "The rules must be an object with an entry for each collection."],
    ["null", null, "The rules must be an object with an entry for each collection."],
    [
      "a rule in place of an entry",
      { posts: "id = ''" },
      'The rules of the collection "posts" must be an object, such as {"listRule":""}.',
    ],
    [
      "a misspelt property",
      { posts: { listrule: null } },
      'There is no property "listrule" in the rules of the collection "posts". Did you mean "listRule"?',
    ],
    [
      "a property of PocketBase that does not concern realtime",
      { posts: { options: {} } },
      'There is no property "options" in the rules of the collection "posts". Remove it.',
    ],
    [
      "a property with the name __proto__",
      JSON.parse('{"posts":{"__proto__":null}}'),
      'There is no property "__proto__" in the rules of the collection "posts". Remove it.',
    ],
    [
      "a property that every object has",
      { posts: { constructor: null } },
      'There is no property "constructor" in the rules of the collection "posts". Remove it.',
    ],
    [
      "a rule that is not text",
      { posts: { viewRule: true } },
      'The viewRule of the collection "posts" must be text or null: null is for administrators only, "" is for everyone.',
    ],
    [
      "a rule of spaces, which would be open if it counted as empty",
      { posts: { listRule: " " } },
      'The listRule of the collection "posts" is invalid. Invalid filter at position 1: Expected a field, a text or a number.',
    ],
    [
      "an unknown type",
      { users: { type: "view" } },
      'The type of the collection "users" must be base or auth.',
    ],
    [
      "the type of a field that is unknown",
      { posts: { fields: { tags: "list" } } },
      'The fields of the collection "posts" must have one of these types for "tags": text, number, bool, date, autodate, email, url, editor, select, select[], file, file[], relation, relation[], json, geoPoint.',
    ],
    [
      "a list of fields",
      { posts: { fields: ["tags"] } },
      'The fields of the collection "posts" must be an object with the type of each field.',
    ],
    [
      "a hidden field that is not in a list",
      { posts: { hidden: "secret" } },
      'The hidden of the collection "posts" must be a list of names of fields.',
    ],
    [
      "a hidden field that is not text",
      { posts: { hidden: ["secret", 1] } },
      'The hidden of the collection "posts" must be a list of names of fields.',
    ],
    [
      "an id for all other collections",
      { "*": { id: "c1" } },
      'The id of the collection "*" must be absent.',
    ],
    [
      "the name * beside another entry name",
      { posts: { name: "*" } },
      'The name of the collection "posts" must be a name or an id, and not "*".',
    ],
    [
      "a collection without a name",
      { "": {} },
      'The name of the collection "" must have 1 to 255 characters.',
    ],
    [
      "two entries for one collection",
      { posts: { id: "c1", listRule: null }, c1: { listRule: "" } },
      'Two entries of the rules are for the collection "c1". Remove one.',
    ],
    [
      "a rule that can't be parsed",
      { posts: { listRule: "id = " } },
      expect.stringMatching(
        /^The listRule of the collection "posts" is invalid\. Invalid filter at position \d+: /,
      ),
    ],
    [
      "a rule that needs a database",
      { posts: { manageRule: "@collection.users.id = id" } },
      expect.stringMatching(/^The manageRule of the collection "posts" is invalid\. /),
    ],
    [
      "a rule that is too long",
      { posts: { listRule: `id = "${"x".repeat(10_000)}"` } },
      expect.stringContaining("at most 10000 characters"),
    ],
  ])("%s", (_, rules, message) => {
    expect(faultOf(rules)).toEqual(message);
  });

  it("are more than 1,000 collections, 200 fields or 200 hidden fields", () => {
    const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);
    const rulesOf = (count: number) => Object.fromEntries(names(count).map((name) => [name, {}]));
    const fieldsOf = (count: number) => ({
      posts: { fields: Object.fromEntries(names(count).map((name) => [name, "text" as const])) },
    });
    expect(() => new AccessRules(rulesOf(1000))).not.toThrow();
    expect(faultOf(rulesOf(1001))).toMatch("more than 1000 collections");
    expect(() => new AccessRules(fieldsOf(200))).not.toThrow();
    expect(faultOf(fieldsOf(201))).toBe(
      'The fields of the collection "posts" must have at most 200 fields.',
    );
    expect(() => new AccessRules({ posts: { hidden: names(200) } })).not.toThrow();
    expect(faultOf({ posts: { hidden: names(201) } })).toBe(
      'The hidden of the collection "posts" must have at most 200 names.',
    );
  });

  it("are refused by the manager as well", () => {
    // The cast: a misspelt property in JavaScript.
    const rules = { posts: { listRul: null } } as Record<string, CollectionRules>;
    expect(() => new RealtimeManager({ rules })).toThrow('Did you mean "listRule"?');
  });
});
