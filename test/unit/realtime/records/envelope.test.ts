import { describe, expect, it } from "vitest";
import { createMessage, type PublishInput } from "../../../../src/realtime/message.ts";
import { envelopeFor, publishedId } from "../../../../src/realtime/records/envelope.ts";
import { viewerOf } from "../../../../src/realtime/records/viewer.ts";
import { envelopeKey } from "../../../../src/realtime/subscriptions/subscription-key.ts";
import { contentOf, GUEST, keyWith, subscribed } from "../../../support/message-content.ts";

const AT = "2026-11-28T09:00:00.000Z";

const entryOf = (input: PublishInput) => ({
  cursor: "0-test-1",
  at: Date.parse(AT),
  message: createMessage(input),
});

const event = {
  id: "m1",
  collection: { name: "posts", id: "c1" },
  action: "update",
  record: { id: "r1", title: "a" },
} as const;

describe("the envelope of an event", () => {
  it("has the topic, the id, the time and the data of the message, in this order", () => {
    const entry = entryOf({ topic: "chat/1", id: "m1", data: 1 });
    expect(envelopeFor("chat/*", entry, '{"a":[1]}')).toBe(
      `{"topic":"chat/1","id":"m1","at":"${AT}","data":{"a":[1]}}`,
    );
  });

  it.each([
    ["*", "posts/r1"],
    ["posts/*", "posts/r1"],
    ["posts/r1", "posts/r1"],
    ["posts", "posts"],
    ["c1/*", "c1/r1"],
    ["c1", "c1"],
  ])("has, for a subscription to %j, the first topic that it matches: %j", (pattern, topic) => {
    expect(JSON.parse(envelopeFor(pattern, entryOf(event), "1"))).toMatchObject({ topic });
  });

  it("has the id as it was published, without the identity of the publisher", () => {
    expect(publishedId("anna\tm1")).toBe("m1");
    expect(publishedId("\tm1")).toBe("m1");
    expect(publishedId("m1")).toBe("m1");
    const entry = entryOf({ topic: "a", id: "anna\tm1", data: 1 });
    expect(envelopeFor("a", entry, "1")).not.toContain("anna");
  });

  it("is one line, whatever the topic and the id contain", () => {
    const entry = entryOf({ topic: 'a"b\\c/1', id: "\u2028\n", data: 1 });
    const text = envelopeFor("*", entry, "1");
    expect(text).not.toMatch(/[\n\u2028]/);
    expect(JSON.parse(text)).toMatchObject({ topic: 'a"b\\c/1', id: "\u2028\n" });
  });
});

describe("the data of an event", () => {
  const read = (key: string, input: PublishInput = event) => {
    const data = contentOf(input).eventDataFor(subscribed(key), GUEST);
    return data === undefined ? undefined : JSON.parse(data);
  };

  it("is in an envelope if the key has the option, or the stream has it and the key does not say otherwise", () => {
    const plain = { action: "update", record: event.record };
    const inEnvelope = { topic: "posts/r1", id: "m1", at: AT, data: plain };
    const [on, off] = [true, false].map((envelope) => keyWith("posts/*", { envelope }));
    if (on === undefined || off === undefined) throw new Error("unreachable");
    expect([on, off, "posts/*"].map((key) => read(key))).toEqual([inEnvelope, plain, plain]);
    const keys = [on, off, "posts/*", keyWith("posts/*", { x: 1 }), "posts/*?options={}"];
    expect(keys.map((key) => read(envelopeKey(key)))).toEqual([
      inEnvelope,
      plain,
      inEnvelope,
      inEnvelope,
      inEnvelope,
    ]);
  });

  it("is in an envelope around what filter, fields and rules leave", () => {
    const key = keyWith("posts/*", { filter: "title = 'a'", fields: "title", envelope: "1" });
    expect(read(key)?.data).toEqual({ action: "update", record: { title: "a" } });
    expect(read(key, { ...event, record: { id: "r1", title: "b" } })).toBeUndefined();
    const rules = { posts: { listRule: "title = @request.auth.title" } };
    const content = contentOf(event, rules);
    const dataFor = (title: string) =>
      content.eventDataFor(subscribed(key), viewerOf({ auth: { id: title, title } }));
    expect(content.outcomeFor(subscribed(key))).toEqual({ isUniform: false });
    expect(dataFor("a")).toContain('"topic":"posts/r1"');
    expect(dataFor("b")).toBeUndefined();
  });

  it("is not in an envelope in the history", () => {
    const content = contentOf(event);
    for (const key of [keyWith("posts/*", { envelope: true }), envelopeKey("posts/*")]) {
      expect(content.eventDataFor(subscribed(key), GUEST)).toContain('"topic"');
      expect(JSON.parse(content.dataFor(subscribed(key), GUEST) ?? "")).toEqual({
        action: "update",
        record: event.record,
      });
    }
  });
});
