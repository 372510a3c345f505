import { describe, expect, it } from "vitest";
import { createMessage, type RecordInput } from "../../../src/realtime/message.ts";

describe("a message to a topic", () => {
  it("has that topic, and its data as one line of JSON", () => {
    expect(createMessage({ topic: "chat", data: { text: "a\nb" }, id: "m1" })).toEqual({
      id: "m1",
      topics: ["chat"],
      data: '{"text":"a\\nb"}',
      private: false,
    });
  });

  it("has text as JSON too", () => {
    expect(createMessage({ topic: "chat", data: "hello" }).data).toBe('"hello"');
    expect(createMessage({ topic: "chat", data: null }).data).toBe("null");
  });

  it("gets an id of its own when it brings none", () => {
    const ids = Array.from({ length: 100 }, () => createMessage({ topic: "chat", data: 1 }).id);
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[\w-]{10,255}$/);
  });

  it("is private when it says so", () => {
    expect(createMessage({ topic: "chat", data: 1, private: true }).private).toBe(true);
    expect(createMessage({ topic: "chat", data: 1, private: false }).private).toBe(false);
  });

  it("can't be made of what is no JSON", () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    for (const data of [undefined, 1n, () => 1, cycle]) {
      expect(() => createMessage({ topic: "chat", data })).toThrow(
        expect.objectContaining({ code: "invalid_event" }),
      );
    }
  });
});

it.each([Number.NaN, Number.POSITIVE_INFINITY, { a: [null, Number.NEGATIVE_INFINITY] }])(
  "a number that JSON can't express is refused, not sent as null: %j",
  (data) => {
    const refusal = { code: "invalid_event", message: expect.stringContaining("can't express") };
    expect(() => createMessage({ topic: "a", data })).toThrow(expect.objectContaining(refusal));
  },
);

it("null stays null", () => {
  expect(createMessage({ topic: "a", data: { a: null, b: "null" } }).data).toBe(
    '{"a":null,"b":"null"}',
  );
});

describe("a record event", () => {
  const event = (
    collection: RecordInput["collection"],
    record: RecordInput["record"],
  ): RecordInput => ({ collection, action: "update", record });

  it("has PocketBase's data: the action and the record, nothing else", () => {
    const record = { id: "r1", title: "Hello", tags: ["a"], nested: { b: null } };
    const message = createMessage({ collection: "posts", action: "create", record, id: "m1" });
    expect(JSON.parse(message.data)).toEqual({ action: "create", record });
    expect(message).toMatchObject({ id: "m1", private: false });
    expect(createMessage({ ...event("posts", record), private: true }).private).toBe(true);
  });

  const cases: [name: string, input: RecordInput, topics: string[]][] = [
    ["the collection alone", event("posts", { id: "r1" }), ["posts/r1", "posts"]],
    [
      "its name and id in the record",
      event("posts", { id: "r1", collectionName: "posts", collectionId: "c1" }),
      ["posts/r1", "posts", "c1/r1", "c1"],
    ],
    [
      "the id as the collection, and the name in the record",
      event("c1", { id: "r1", collectionName: "posts", collectionId: "c1" }),
      ["posts/r1", "posts", "c1/r1", "c1"],
    ],
    [
      "three names that differ",
      event("view", { id: "r1", collectionName: "posts", collectionId: "c1" }),
      ["view/r1", "view", "posts/r1", "posts", "c1/r1", "c1"],
    ],
    [
      "the name and id of a description",
      event({ name: "posts", id: "c1" }, { id: "r1" }),
      ["posts/r1", "posts", "c1/r1", "c1"],
    ],
    [
      "a description and a record with four names",
      event({ name: "a", id: "b" }, { id: "r1", collectionName: "c", collectionId: "d" }),
      ["a/r1", "a", "b/r1", "b", "c/r1", "c", "d/r1", "d"],
    ],
    [
      "names that are no text, or empty",
      event("posts", { id: "r1", collectionName: "", collectionId: 7 }),
      ["posts/r1", "posts"],
    ],
    [
      "names that are missing",
      event("posts", { id: "r1", collectionName: null, collectionId: undefined }),
      ["posts/r1", "posts"],
    ],
  ];
  for (const [name, input, topics] of cases) {
    it(`is published to the record and the collection by ${name}`, () => {
      expect([...createMessage(input).topics].sort()).toEqual([...topics].sort());
    });
  }

  it("can't be made of a record or previous record that is no JSON", () => {
    const wrong = { id: "r1", size: 1n };
    for (const input of [
      event("posts", wrong),
      { ...event("posts", { id: "r1" }), previous: wrong },
    ]) {
      expect(() => createMessage(input)).toThrow(
        expect.objectContaining({ code: "invalid_event" }),
      );
    }
  });
});

describe("the change of a record event", () => {
  const event = { action: "update", record: { id: "r1", title: "new" } } as const;
  const changeOf = (input: RecordInput) => createMessage(input).change;

  it("has the name of the collection as an object", () => {
    expect(changeOf({ ...event, collection: "posts" })).toBe('{"collection":{"name":"posts"}}');
  });

  it("has the description of the collection and the previous record", () => {
    const change = {
      collection: {
        id: "c1",
        name: "users",
        type: "auth",
        fields: { tags: "select[]", data: "json" },
        hidden: ["secret"],
      },
      previous: { id: "r1", title: "old" },
    } as const;
    const message = createMessage({ ...event, ...change });
    expect(message.change).toBe(JSON.stringify(change));
    expect(JSON.parse(message.data)).toEqual(event);
  });

  it("keeps fields with the names of inherited properties", () => {
    const collection = '{"name":"posts","fields":{"__proto__":"json","toString":"text"}}';
    expect(changeOf({ ...event, collection: JSON.parse(collection) })).toBe(
      `{"collection":${collection}}`,
    );
  });

  it("is one line", () => {
    const previous = { id: "r1", title: "a\nb\u2028c\u2029d\u0085e" };
    const change = changeOf({ ...event, collection: "posts", previous });
    expect(change).not.toMatch(/[\n\u2028\u2029\u0085]/);
    expect(JSON.parse(change ?? "")).toEqual({ collection: { name: "posts" }, previous });
  });

  it("is missing from a message to a topic", () => {
    expect(createMessage({ topic: "posts", data: event })).not.toHaveProperty("change");
  });
});
