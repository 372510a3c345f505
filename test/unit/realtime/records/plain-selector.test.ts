import { describe, expect, it } from "vitest";
import { contentOf, keyWith, receive } from "../../../support/message-content.ts";

const get = (data: unknown, query: Record<string, unknown>, rules = {}) =>
  receive(contentOf({ topic: "posts/r1", data }, rules), keyWith("posts/*", query));

describe("the options of a subscription to a topic", () => {
  it("filter and pick from the data", () => {
    const data = { a: 1, b: { c: 2, d: 3 } };
    expect(get(data, { filter: "a = 1 && b.c = 2" })).toEqual(data);
    expect(get(data, { filter: "a = 2" })).toBeUndefined();
    expect(get(data, { fields: "b.c" })).toEqual({ b: { c: 2 } });
    expect(get(data, { filter: "a = 1", fields: "a" })).toEqual({ a: 1 });
  });

  it("pick for each subscription its own fields from the same message", () => {
    const content = contentOf({ topic: "a", data: { a: 1, b: 2 } });
    const picked = ["a", "b", "a,c", "b,c"].map((fields) =>
      receive(content, keyWith("a", { fields })),
    );
    expect(picked).toEqual([{ a: 1 }, { b: 2 }, { a: 1 }, { b: 2 }]);
    expect(receive(content, keyWith("a", { fields: "a", filter: "b = 2" }))).toEqual({ a: 1 });
    expect(receive(content, "a")).toEqual({ a: 1, b: 2 });
  });

  it("read the record of data that looks like a record event", () => {
    const data = { action: "create", record: { id: "1", a: 1 }, more: true };
    expect(get(data, { filter: "a = 1", fields: "a" })).toEqual({ ...data, record: { a: 1 } });
    expect(get({ ...data, action: "other" }, { filter: "action = 'other'" })).toBeDefined();
    expect(get({ ...data, record: [1] }, { filter: "action = 'create'" })).toBeDefined();
  });

  it("send no data to a filter that is not an object, and all of it to fields", () => {
    for (const data of [null, 1, "a", [1], [{ a: 1 }], true]) {
      expect(get(data, { filter: "id != 1" })).toBeUndefined();
    }
    for (const data of [null, 1, "a", true]) expect(get(data, { fields: "a" })).toEqual(data);
  });

  it("about changes of records do nothing, and rules neither", () => {
    const data = { action: "update", record: { id: "1" } };
    expect(get(data, { actions: "create", changed: "a", leave: true })).toEqual(data);
    expect(get(data, {}, { posts: { listRule: null, viewRule: null } })).toEqual(data);
  });

  it("read own properties only", () => {
    const data = JSON.parse('{"__proto__":{"x":1},"constructor":"c"}');
    expect(get(data, { filter: "constructor = 'c' && __proto__.x = 1" })).toBeDefined();
    expect(get({}, { filter: "constructor != 'c'" })).toBeUndefined();
    expect(get({ __proto__: null, a: 1 }, { filter: "toString = ''" })).toBeUndefined();
  });
});
