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
  const event = (collection: string, record: RecordInput["record"]): RecordInput => ({
    collection,
    action: "update",
    record,
  });

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

  it("can't be made of a record that is no JSON", () => {
    expect(() => createMessage(event("posts", { id: "r1", size: 1n }))).toThrow(
      expect.objectContaining({ code: "invalid_event" }),
    );
  });
});
