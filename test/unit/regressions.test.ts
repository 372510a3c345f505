/** Faults of the past that no contract covers. Each test came with its fix. */
import { expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../../src/api/limits.ts";
import { createLogger } from "../../src/api/logger.ts";
import { createMessageParser } from "../../src/api/schemas/message.ts";
import type { MessageLog } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { RealtimeManager } from "../../src/realtime/manager.ts";
import { createMessage } from "../../src/realtime/message.ts";
import type { LogEntry, TailListener } from "../../src/realtime/types.ts";
import { createInProcessRegistry } from "../../src/registry/in-process/registry.ts";
import { RecordingSink } from "../support/recording-sink.ts";

async function setUp(log: MessageLog = createMemoryLog()) {
  const manager = new RealtimeManager();
  const registry = createInProcessRegistry({ manager, log });
  const connect = async (subscriptions: string[]) => {
    const connection = await registry.open({});
    const sink = new RecordingSink();
    await connection.attach(sink);
    await registry.setSubscriptions(connection.clientId, { subscriptions });
    return { ...connection, clientId: connection.clientId, sink };
  };
  return { log, manager, registry, connect };
}

const readMessages = createMessageParser(DEFAULT_LIMITS);

it("a record event of a collection with a reserved name is refused", () => {
  const input = { collection: "PB_CONNECT", action: "update", record: { id: "x" } };
  const field = expect.objectContaining({ code: "validation_match_invalid" });
  expect(() => readMessages(input)).toThrow(
    expect.objectContaining({ code: "invalid_input", fields: { collection: field } }),
  );
});

for (const [field, name] of [
  ["collectionName", "PB_CONNECT"],
  ["collectionId", "PB_RESUME"],
] as const) {
  it(`a record event whose ${field} is ${name} is not published to that topic`, async () => {
    const { registry, connect } = await setUp();
    const { sink } = await connect(["PB_CONNECT", "PB_RESUME", "posts"]);
    const record = { id: "x", [field]: name };
    await registry.publish(readMessages({ collection: "posts", action: "update", record }));
    expect(sink.events.map(({ event }) => event)).toEqual(["posts"]);
  });
}

it("a subscription key with a line break is refused, and other clients get their messages", async () => {
  const { registry, connect } = await setUp();
  const before = await connect(["chat/1"]);
  const refused = await connect([]);
  const subscriptions = ["chat/*?options=\n"];
  await expect(
    (async () => registry.setSubscriptions(refused.clientId, { subscriptions }))(),
  ).rejects.toMatchObject({ code: "invalid_input" });
  const after = await connect(["chat/1"]);
  await registry.publish([
    createMessage({ topic: "chat/1", data: 1 }),
    createMessage({ topic: "chat/1", data: 2 }),
  ]);
  expect(before.sink.data()).toEqual([1, 2]);
  expect(refused.sink.data()).toEqual([]);
  expect(after.sink.data()).toEqual([1, 2]);
});

it("closing writes what was accepted although the log's tail comes later", async () => {
  const inner = createMemoryLog();
  const listeners = new Set<TailListener>();
  inner.tail((entries) =>
    setTimeout(() => {
      for (const listener of listeners) listener(entries);
    }, 1),
  );
  const late: MessageLog = {
    append: async (messages) => inner.append(messages),
    tail: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    cursor: () => inner.cursor(),
    hasReached: (cursor) => inner.hasReached(cursor),
    keepsHistory: inner.keepsHistory,
    read: async (...all) => inner.read(...all),
    readBack: async (...all) => inner.readBack(...all),
    erase: async (topic) => inner.erase(topic),
    stats: async () => inner.stats(),
    // Even a log whose close waits until its tail has caught up does not help.
    close: async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
    },
  };
  const { registry, connect } = await setUp(late);
  const { sink } = await connect(["chat"]);
  await registry.publish([createMessage({ topic: "chat", data: 1 })]);
  await registry.close();
  expect(sink.data()).toEqual([1]);
});

it("a tail listener that appends leaves the order whole for the others", () => {
  const log = createMemoryLog();
  const second: LogEntry[] = [];
  log.tail(([entry]) => {
    if (entry?.message.id === "a")
      void log.append([createMessage({ topic: "t", data: 1, id: "b" })]);
  });
  log.tail((entries) => second.push(...entries));
  void log.append([createMessage({ topic: "t", data: 1, id: "a" })]);
  expect(second.map(({ message }) => message.id)).toEqual(["a", "b"]);
});

it("and so clients get messages in the log's order when the embedding app reacts from the tail", async () => {
  const log = createMemoryLog();
  log.tail(([entry]) => {
    if (entry?.message.id === "a")
      void log.append([createMessage({ topic: "t", data: "b", id: "b" })]);
  });
  const { registry, connect } = await setUp(log);
  const { sink } = await connect(["t"]);
  await registry.publish([createMessage({ topic: "t", data: "a", id: "a" })]);
  expect(sink.data()).toEqual(["a", "b"]);
});

it("a listener that begins during a delivery hears only what is appended from then on", () => {
  const log = createMemoryLog();
  const late: LogEntry[] = [];
  let started = false;
  log.tail(() => {
    if (!started) log.tail((entries) => late.push(...entries));
    started = true;
  });
  void log.append([createMessage({ topic: "t", data: 1, id: "a" })]);
  expect(late).toEqual([]);
});

it("an event without data is sent with null, because an EventSource ignores an event without data", async () => {
  const { registry, connect } = await setUp();
  const { clientId, sink } = await connect([]);
  expect(await registry.send(clientId, "note", undefined)).toBe(true);
  expect(sink.events.map(({ event, data }) => [event, data])).toEqual([["note", "null"]]);
});

it("a message with a line break stays on one line of text", () => {
  const lines: string[] = [];
  createLogger({ format: "text", write: (line) => lines.push(line) }).info("a\nb");
  expect(lines[0]).not.toContain("\n");
});

it("fields can't replace a JSON line's level, time and message", () => {
  const lines: string[] = [];
  createLogger({ write: (line) => lines.push(line) }).info("real", {
    msg: "other",
    level: "error",
  });
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "info", msg: "real" });
});

it("a page of NaN clients is a page", async () => {
  const { registry, connect } = await setUp();
  await connect([]);
  expect((await registry.clients({ limit: Number.NaN })).clients).toHaveLength(1);
});

it("paging goes on where it was when the page's last client has left", async () => {
  const { registry, connect } = await setUp();
  for (let count = 0; count < 4; count += 1) await connect([]);
  const ids = (await registry.clients()).clients.map(({ clientId }) => clientId);
  const first = await registry.clients({ limit: 2 });
  await registry.disconnect(ids[1] ?? "");
  const second = await registry.clients({ limit: 2, after: first.next });
  expect(second.clients.map(({ clientId }) => clientId)).toEqual(ids.slice(2));
});
