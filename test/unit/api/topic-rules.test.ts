import { describe, expect, it } from "vitest";
import type { ServerOptions } from "../../../src/api/options.ts";
import { createServer } from "../../../src/api/server.ts";
import type { PublishInput } from "../../../src/realtime/message.ts";
import type { Message } from "../../../src/realtime/types.ts";
import { recordingRegistry } from "../../support/recording-registry.ts";

const KEY = "a-key-for-topic-rules";
const PRIVATE = { match: "secret/*", private: true };

/** A server that records what is published. Requests with the header X-User come from a user. */
function serverOf(options: ServerOptions) {
  const published: Message[] = [];
  const lines: unknown[] = [];
  const ignore = () => {};
  const server = createServer({
    adminKey: KEY,
    registry: recordingRegistry(published),
    authenticate: (c) => c.req.header("X-User") && { subject: "anna", publish: ["*"] },
    logger: {
      ...{ debug: ignore, warn: ignore, error: ignore },
      info: (message, fields) => lines.push([message, fields]),
    },
    ...options,
  });
  const send = (method: string, path: string, body?: unknown, isUser = false) =>
    server.app.request(`/api/realtime/${path}`, {
      method,
      headers: {
        "Content-Type": "application/json",
        ...(isUser ? { "X-User": "anna" } : { Authorization: `Bearer ${KEY}` }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
  const publishAs = async (isUser: boolean, body: unknown) => {
    const response = await send("POST", "messages", body, isUser);
    return { status: response.status, body: await response.json() };
  };
  return { server, published, lines, send, publishAs };
}

describe("a topic rule with private", () => {
  it("makes messages private, whoever publishes them and however", async () => {
    const { server, published, publishAs } = serverOf({ topics: [PRIVATE] });
    const message = { topic: "secret/1", data: 1 };
    await publishAs(false, message);
    await publishAs(true, message);
    await server.publish(message);
    await server.publish({ ...message, private: true });
    expect(published.map((one) => one.private)).toEqual([true, true, true, true]);
  });

  it("leaves other topics as they were published", async () => {
    const { server, published } = serverOf({ topics: [PRIVATE] });
    await server.publish({ topic: "secret", data: 1 }, { topic: "a", data: 1, private: true });
    expect(published.map((one) => one.private)).toEqual([false, true]);
  });

  it("yields to private: false of the admin key and of the app", async () => {
    const { server, published, publishAs } = serverOf({ topics: [PRIVATE] });
    const message = { topic: "secret/1", data: 1, private: false };
    expect((await publishAs(false, message)).status).toBe(200);
    await server.publish(message);
    expect(published.map((one) => one.private)).toEqual([false, false]);
  });

  it("refuses private: false of a user, and names the field and the message of a batch", async () => {
    const { published, publishAs } = serverOf({ topics: [PRIVATE] });
    const message = { topic: "secret/1", data: 1, private: false };
    const error = { private: { code: "validation_match_invalid", message: expect.any(String) } };
    const single = await publishAs(true, message);
    expect([single.status, single.body.data]).toEqual([400, error]);
    expect(single.body.message).toContain("only holders of the admin key");
    const batch = await publishAs(true, [{ topic: "a", data: 1, private: false }, message]);
    expect([batch.status, batch.body.data]).toEqual([400, { 1: error }]);
    expect(published).toEqual([]);
  });

  it("applies to a record event if it matches any of the event's topics", async () => {
    const { server, published } = serverOf({ topics: [{ match: "pbc_1", private: true }] });
    const record = { id: "r1", collectionId: "pbc_1" };
    await server.publish(
      { collection: "posts", action: "create", record },
      { collection: "posts", action: "create", record: { id: "r2" } },
    );
    expect(published.map((one) => one.private)).toEqual([true, false]);
  });

  it("applies to the message that a hook returns, and the user's private: false does not reach it", async () => {
    const { published, publishAs } = serverOf({
      topics: [PRIVATE],
      hooks: {
        onMessage: ({ message }): PublishInput =>
          "topic" in message ? { ...message, topic: `secret/${message.topic}` } : message,
      },
    });
    expect((await publishAs(true, { topic: "1", data: 1 })).status).toBe(200);
    expect((await publishAs(true, { topic: "1", data: 1, private: false })).status).toBe(400);
    expect(published.map((one) => [one.topics, one.private])).toEqual([[["secret/1"], true]]);
  });
});

describe("the ttl of a message", () => {
  const topics = [
    { match: "a/*", ttl: 60 },
    { match: "b", ttl: 30 },
    { match: "posts/r1", ttl: 20 },
    { match: "posts", ttl: 10 },
  ];

  it("is its own, otherwise the one of its topic's rule", async () => {
    const { server, published } = serverOf({ topics });
    await server.publish(
      { topic: "a/1", data: 1 },
      { topic: "a/1", data: 1, ttl: 90 },
      { topic: "c", data: 1, ttl: 5 },
      { topic: "c", data: 1 },
    );
    expect(published.map(({ ttl }) => ttl)).toEqual([60, 90, 5, undefined]);
  });

  it("is the shortest one of a record event's topics", async () => {
    const { server, published } = serverOf({ topics });
    const event = { collection: "posts", action: "create", record: { id: "r1" } } as const;
    await server.publish(event, { ...event, ttl: 90 });
    expect(published.map(({ ttl }) => ttl)).toEqual([10, 90]);
  });

  it("is a whole number of seconds of up to a year", async () => {
    const { published, publishAs } = serverOf({});
    for (const ttl of [0, -1, 1.5, "60", null, 31_536_001, true]) {
      const { status, body } = await publishAs(false, { topic: "a", data: 1, ttl });
      expect([ttl, status, Object.keys(body.data)]).toEqual([ttl, 400, ["ttl"]]);
      expect(body.data.ttl.message).toBe("Must be a whole number of seconds from 1 to 31536000.");
    }
    for (const ttl of [1, 31_536_000]) await publishAs(false, { topic: "a", data: 1, ttl });
    expect(published.map(({ ttl }) => ttl)).toEqual([1, 31_536_000]);
  });
});

describe("the option topics", () => {
  it("is checked when the server is created", () => {
    expect(() => createServer({ topics: [{ match: "a*" }] })).toThrow("topics[0].match must be");
  });
});

describe("DELETE /api/realtime/messages", () => {
  it("logs the topic and the number of messages", async () => {
    const { send, lines } = serverOf({});
    const response = await send("DELETE", "messages?topic=chat/*");
    expect([response.status, await response.json()]).toEqual([200, { erased: 7 }]);
    expect(lines).toContainEqual(["history erased", { topic: "chat/*", erased: 7 }]);
  });
});
