import { describe, expect, it } from "vitest";
import { createMessage, type RecordInput } from "../../../../src/realtime/message.ts";
import type { CollectionRules } from "../../../../src/realtime/records/collection.ts";
import { RecordEvent } from "../../../../src/realtime/records/record-event.ts";
import { AccessRules } from "../../../../src/realtime/records/rules.ts";

function eventOf(input: Partial<RecordInput>, rules: Record<string, CollectionRules> = {}) {
  const message = createMessage({
    collection: "posts",
    action: "update",
    record: { id: "r1" },
    ...input,
  });
  const event = RecordEvent.parse(message, new AccessRules(rules));
  if (event === undefined) throw new Error("It is no record event.");
  return event;
}

const users = { name: "users", id: "pbc_1", type: "auth" } as const;

describe("a record event", () => {
  it("is only a message with a change", () => {
    const message = createMessage({ topic: "posts/r1", data: { action: "create", record: {} } });
    expect(RecordEvent.parse(message, new AccessRules())).toBeUndefined();
  });

  it("is open to everyone without rules, hidden fields and users", () => {
    expect(eventOf({}).isOpen).toBe(true);
    expect(eventOf({ collection: { name: "posts", hidden: [] } }).isOpen).toBe(true);
    expect(eventOf({ collection: { name: "posts", hidden: ["a"] } }).isOpen).toBe(false);
    expect(eventOf({ collection: users }).isOpen).toBe(false);
    expect(eventOf({}, { posts: { listRule: null } }).isOpen).toBe(false);
    expect(eventOf({}, { others: { listRule: null } }).isOpen).toBe(true);
    expect(eventOf({}, { "*": { listRule: null } }).isOpen).toBe(false);
  });

  it("finds rules by each name of its collection, and otherwise the rules of all others", () => {
    const rules = { pbc_1: { listRule: null }, "*": { listRule: "" } };
    const find = (input: Partial<RecordInput>) => eventOf(input, rules).rules?.list;
    expect(find({ collection: { name: "users", id: "pbc_1" } })).toBe("administrators");
    expect(find({ record: { id: "r1", collectionId: "pbc_1" } })).toBe("administrators");
    expect(find({ record: { id: "r1", collectionName: "pbc_1" } })).toBe("administrators");
    expect(find({})).toBe("everyone");
    expect(eventOf({ collection: "__proto__" }, {}).rules).toBeUndefined();
  });

  it("hides fields, passwords and token keys", () => {
    const record = { id: "r1", a: 1, secret: 2, password: "p", tokenKey: "t" };
    const hidden = { collection: { ...users, hidden: ["secret"] }, record };
    expect(eventOf(hidden).shownTo(false, true)).toEqual({ id: "r1", a: 1 });
    expect(eventOf(hidden).shownTo(true, true)).toEqual({ id: "r1", a: 1, secret: 2 });
    const base = eventOf({ record });
    expect(base.shownTo(false, false)).toBe(base.record);
    const ruled = eventOf(
      { record, collection: { name: "posts", hidden: ["a"] } },
      { posts: { hidden: ["secret"] } },
    );
    expect(Object.keys(ruled.shownTo(false, true))).toEqual(["id", "password", "tokenKey"]);
  });

  it("hides and keeps fields with the names of inherited properties", () => {
    const record = JSON.parse(
      '{"id":"r1","__proto__":{"x":1},"constructor":"c","hasOwnProperty":1}',
    );
    const event = eventOf({ record, collection: { name: "posts", hidden: ["constructor"] } });
    expect(JSON.stringify(event.shownTo(false, true))).toBe(
      '{"id":"r1","__proto__":{"x":1},"hasOwnProperty":1}',
    );
    const all = eventOf({ record, collection: { name: "posts", hidden: ["__proto__"] } });
    expect(Object.keys(all.shownTo(false, true))).toEqual(["id", "constructor", "hasOwnProperty"]);
  });

  it("shows an email that is visible, and otherwise only to those who see it", () => {
    const event = (emailVisibility: unknown) =>
      eventOf({ collection: users, record: { id: "u1", email: "a@b.c", emailVisibility } });
    expect(event(true).hasInvisibleEmail).toBe(false);
    expect(event(true).shownTo(false, false)).toHaveProperty("email");
    for (const visibility of [false, undefined, "true", 1]) {
      expect(event(visibility).hasInvisibleEmail).toBe(true);
      expect(event(visibility).shownTo(false, false)).not.toHaveProperty("email");
      expect(event(visibility).shownTo(false, true)).toHaveProperty("email");
    }
    expect(eventOf({ record: { id: "u1", email: "a@b.c" } }).hasInvisibleEmail).toBe(false);
  });

  it("is of the user's own record if id and collection are the same", () => {
    const event = eventOf({ collection: users, record: { id: "u1" } });
    expect(event.isOwn(undefined)).toBe(false);
    expect(event.isOwn({ id: "u2" })).toBe(false);
    expect(event.isOwn({ id: "u1" })).toBe(true);
    expect(event.isOwn({ id: "u1", collectionName: "users", collectionId: "pbc_1" })).toBe(true);
    expect(event.isOwn({ id: "u1", collectionName: "admins" })).toBe(false);
    expect(event.isOwn({ id: "u1", collectionId: "pbc_2" })).toBe(false);
  });

  it("has changed a field if its JSON is another", () => {
    const record = {
      id: "r1",
      same: [1],
      list: [1, 2],
      gone: undefined,
      added: null,
      constructor: 1,
    };
    const previous = { id: "r1", same: [1], list: [2, 1], gone: 1 };
    const event = eventOf({ record, previous });
    const changed = [
      "same",
      "list",
      "gone",
      "added",
      "constructor",
      "none",
      "__proto__",
      "toString",
    ].filter((field) => event.hasChanged([field], false, true));
    expect(changed).toEqual(["list", "gone", "added", "constructor"]);
    expect(event.hasChanged(["same", "list"], false, true)).toBe(true);
    expect(eventOf({ record }).hasChanged(["same"], false, true)).toBe(true);
  });

  it("does not tell whether a field has changed that the viewer may not receive", () => {
    const collection = { ...users, hidden: ["secret"] };
    const record = { id: "u1", secret: 1, email: "a@b.c", tokenKey: "a", name: "a" };
    const previous = { id: "u1", secret: 2, email: "b@b.c", tokenKey: "b", name: "b" };
    const event = eventOf({ collection, record, previous });
    const changed = (isAdmin: boolean, seesEmail: boolean) =>
      Object.keys(record).filter((field) => event.hasChanged([field], isAdmin, seesEmail));
    expect(changed(false, false)).toEqual(["name"]);
    expect(changed(false, true)).toEqual(["email", "name"]);
    expect(changed(true, true)).toEqual(["secret", "email", "name"]);
  });

  it("has the topic of its record under each name of the collection", () => {
    const event = eventOf({ collection: users, record: { id: "u1", collectionName: "people" } });
    const topics = [
      "users/u1",
      "pbc_1/u1",
      "people/u1",
      "posts/u1",
      "users/*",
      "users",
      "*",
      "x/users/u1",
      "u1",
    ];
    expect(topics.filter((topic) => event.isTopicOfRecord(topic))).toEqual([
      "users/u1",
      "pbc_1/u1",
      "people/u1",
    ]);
    const star = eventOf({ record: { id: "*" } });
    expect(star.isTopicOfRecord("posts/*"), "this is the whole collection").toBe(false);
    const slashes = eventOf({ collection: "a/b", record: { id: "b" } });
    expect([slashes.isTopicOfRecord("a/b"), slashes.isTopicOfRecord("a/b/b")]).toEqual([
      false,
      true,
    ]);
  });
});
