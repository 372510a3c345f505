import { afterEach, describe, expect, it } from "vitest";
import { createMessage } from "../../src/realtime/message.ts";
import type { Message } from "../../src/realtime/types.ts";
import { createDurableObjectRegistry } from "../../src/registry/durable-object/registry.ts";
import { eventually, within } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";
import { fakeHub, statsOf } from "./fake-hub.ts";
import { closeHubs, type HubsUnderTest, openHubs } from "./hubs.ts";

afterEach(closeHubs);

describe("the history of several shards", () => {
  it("is read from all objects at the same time", async () => {
    const hubs = openHubs(3);
    const messages = Array.from({ length: 500 }, (_, n) => ({ topic: "a", data: "x".repeat(n) }));
    await hubs.publish(...messages);
    await hubs.publish(...messages);
    const request = { topics: ["nothing"], limit: 1 };
    const readings = [0, 1, 2, 0, 1, 2].map((shard) => hubs.stub(shard).history(request));
    const pages = await within(Promise.all(readings), 10_000, "all shards are read");
    for (const page of pages) {
      expect(page).toMatchObject({ ok: true, value: { messages: [], scanned: 1000 } });
    }
  });
});

describe("a client id of a missing shard", () => {
  const strangers = [
    "3-abc",
    "999999999-abc",
    "1e0-abc",
    "-1-abc",
    "abc",
    "",
    " 1-abc",
    "1",
    "0x1-a",
  ];

  it("is unknown, because a 404 makes the client reconnect", async () => {
    const registry = overNothing();
    for (const clientId of strangers) {
      const subscribing = registry.setSubscriptions(clientId, { subscriptions: ["a"] });
      await expect(subscribing, clientId).rejects.toMatchObject({ code: "unknown_client" });
    }
  });

  it("can't be sent to or disconnected", async () => {
    const registry = overNothing();
    for (const clientId of strangers) {
      expect(await registry.send(clientId, "note", 1), clientId).toBe(false);
      expect(await registry.disconnect(clientId), clientId).toBe(false);
    }
  });

  /** A registry that must not call its hubs. */
  function overNothing() {
    const hub = () => fakeHub({});
    return createDurableObjectRegistry({ hub, shards: 3 });
  }
});

describe("a publish to several shards", () => {
  it("sends the same messages to the first shard, then to the others at the same time, and returns one result", async () => {
    const published: (readonly Message[])[] = [];
    let release = () => {};
    const allThere = new Promise<void>((resolve) => {
      release = resolve;
    });
    const hub = (shard: number) =>
      fakeHub({
        publish: async (messages) => {
          published.push(messages);
          if (published.length === 3) release();
          if (shard > 0) await allThere;
          return { ok: true, value: messages.map(({ id }) => ({ id, duplicate: false })) };
        },
      });
    const registry = createDurableObjectRegistry({ hub, shards: 3 });
    const messages = [1, 2].map((data) => createMessage({ topic: "chat", data }));
    const receipts = await within(registry.publish(messages), 5000, "all three shards are called");
    expect(published).toEqual([messages, messages, messages]);
    expect(receipts.map(({ id }) => id)).toEqual(messages.map(({ id }) => id));
  });

  it("that the first shard refuses is not sent to the other shards", async () => {
    const asked: unknown[] = [];
    let code: "id_reused" | undefined = "id_reused";
    const hub = (shard: number) =>
      fakeHub({
        publish: async (messages, publisher) => {
          asked.push([shard, publisher]);
          if (code !== undefined) return { ok: false, code, message: "Used before.", fields: {} };
          return { ok: true, value: messages.map(({ id }) => ({ id, duplicate: false })) };
        },
      });
    const registry = createDurableObjectRegistry({ hub, shards: 2 });
    const messages = [createMessage({ topic: "chat", data: 1 })];
    await expect(registry.publish(messages)).rejects.toMatchObject({ code: "id_reused" });
    expect(asked).toEqual([[0, undefined]]);
    code = undefined;
    const anna = { identity: "anna" };
    await registry.publish(messages, anna);
    // The credential may expire before the other shards are called.
    expect(asked.slice(1)).toEqual([
      [0, anna],
      [1, undefined],
    ]);
  });

  it("reaches the clients of all shards, in the same order", async () => {
    const hubs = openHubs(3);
    const sinks = [];
    for (const shard of [0, 1, 2, 2]) {
      const connection = await hubs.open(shard);
      const sink = new RecordingSink();
      await connection.attach(sink);
      await hubs.registry.setSubscriptions(connection.clientId, { subscriptions: ["chat"] });
      sinks.push(sink);
    }
    for (let count = 0; count < 20; count += 2) {
      await hubs.publish({ topic: "chat", data: count }, { topic: "chat", data: count + 1 });
    }
    for (const sink of sinks) {
      await sink.receive(20);
      expect(sink.data()).toEqual(Array.from({ length: 20 }, (_, count) => count));
    }
  });
});

describe("stats over several shards", () => {
  it("add up clients, subscriptions, topics, deliveries and disconnects, and no message twice", async () => {
    const counts = (by: number) => {
      return { clients: by, subscriptions: 10 * by, topics: 100 * by, delivered: 1000 * by };
    };
    const shards = [
      { ...counts(1), accepted: 7, duplicate: 2, disconnects: { client: 1, slow: 2 } },
      { ...counts(2), accepted: 7, duplicate: 3, disconnects: { client: 3 } },
      { ...counts(3), accepted: 6, duplicate: 2, disconnects: { admin: 5, slow: 1 } },
    ];
    const startedAt = ["2026-05-02", "2026-05-01", "2026-05-03"];
    const hub = (shard: number) =>
      fakeHub({
        stats: async () => {
          const value = statsOf({ ...shards[shard], startedAt: startedAt[shard] ?? "" });
          return { ok: true, value };
        },
      });
    const registry = createDurableObjectRegistry({ hub, shards: 3 });
    expect(await registry.stats()).toEqual({
      ...statsOf({ disconnects: { client: 4, slow: 3, admin: 5 } }),
      ...counts(6),
      accepted: 7,
      duplicate: 3,
      startedAt: "2026-05-01",
    });
  });

  it("count a message once for any number of shards", async () => {
    const hubs = openHubs(3);
    await hubs.publish({ topic: "a", data: 1, id: "m1" }, { topic: "a", data: 2 });
    await hubs.publish({ topic: "a", data: 1, id: "m1" });
    expect(await hubs.registry.stats()).toMatchObject({ accepted: 2, duplicate: 1 });
  });
});

describe("what topic rules keep in several shards", () => {
  it("counts as in the largest shard, also while a hub of an earlier deploy does not know it", async () => {
    const kept = [
      { topics: 1, messages: 9, bytes: 50, evicted: 0 },
      undefined,
      { topics: 2, messages: 5, bytes: 60, evicted: 3 },
    ];
    const hub = (shard: number) =>
      fakeHub({
        // The cast: an earlier version has no such field.
        stats: async () => ({
          ok: true,
          value: { ...statsOf({}), kept: kept[shard] } as ReturnType<typeof statsOf>,
        }),
      });
    const registry = createDurableObjectRegistry({ hub, shards: 3 });
    const largest = { topics: 2, messages: 9, bytes: 60, evicted: 3 };
    expect((await registry.stats()).kept).toEqual(largest);
  });
});

describe("erasing in several shards", () => {
  it("removes the messages from each shard, and counts each message once", async () => {
    const hubs = openHubs(3);
    await hubs.publish({ topic: "a", data: 1 }, { topic: "b", data: 2 }, { topic: "a", data: 3 });
    expect(await hubs.registry.erase("a")).toBe(2);
    for (const shard of [0, 1, 2]) {
      const page = await hubs.stub(shard).history({ topics: ["*"], limit: 10 });
      expect(page).toMatchObject({ ok: true, value: { messages: [{ message: { data: "2" } }] } });
    }
  });

  it("returns the number of a shard that has just erased, if another had erased before", async () => {
    const counts = [0, 2, 2];
    const hub = (shard: number) =>
      fakeHub({ erase: async () => ({ ok: true, value: counts[shard] ?? 0 }) });
    const registry = createDurableObjectRegistry({ hub, shards: 3 });
    expect(await registry.erase("a")).toBe(2);
  });
});

describe("listing clients of several shards", () => {
  for (const perShard of [
    [3, 0, 4],
    [0, 0, 2],
    [2, 1, 0],
    [0, 0, 0],
  ]) {
    it(`lists each client once, page by page: ${perShard.join(", ")}`, async () => {
      const hubs = openHubs(3);
      const ids = await fill(hubs, perShard);
      for (const limit of [1, 2, 3, 4, 7, 1000]) {
        expect(await listed(hubs, limit), `pages of ${limit}`).toEqual(ids);
      }
    });
  }

  it("continues from shard 9 to shard 10, although the ids of shard 10 sort before those of shard 9", async () => {
    const hubs = openHubs(12);
    const ids = await fill(hubs, [1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 1]);
    for (const limit of [1, 2, 4]) expect(await listed(hubs, limit)).toEqual(ids);
  });

  it("continues at the same position when the last listed client has left", async () => {
    const hubs = openHubs(2);
    const ids = await fill(hubs, [2, 2]);
    const first = await hubs.registry.clients({ limit: 1 });
    await hubs.registry.disconnect(ids[0] ?? "");
    expect(first.next).toBe(ids[0]);
    expect(await listed(hubs, 1, first.next)).toEqual(ids.slice(1));
  });
});

describe("a registry that closes", () => {
  it("closes its own connections, and does not affect the hubs and other connections", async () => {
    const hubs = openHubs(2);
    await fill(hubs, [1, 1]);
    const other = createDurableObjectRegistry({ hub: (shard) => hubs.stub(shard), shards: 2 });
    const sink = new RecordingSink();
    await (await other.open({})).attach(sink);
    expect((await hubs.registry.stats()).clients).toBe(3);
    await within(other.close(), 5000, "the registry closes");
    expect(sink.closings).toEqual(["shutdown"]);
    await eventually(
      async () => (await hubs.registry.stats()).clients === 2,
      "the client is removed",
    );
    expect((await hubs.registry.stats()).disconnects.shutdown).toBe(1);
  });
});

/** Connects the given number of clients to each shard. Returns their ids in the order of the list. */
async function fill(hubs: HubsUnderTest, perShard: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const [shard, count] of perShard.entries()) {
    const ofShard: string[] = [];
    for (let index = 0; index < count; index++) {
      const connection = await hubs.open(shard);
      await connection.attach(new RecordingSink());
      ofShard.push(connection.clientId);
    }
    ids.push(...ofShard.toSorted());
  }
  return ids;
}

async function listed(hubs: HubsUnderTest, limit: number, from?: string): Promise<string[]> {
  const seen: string[] = [];
  let after = from;
  for (let pages = 0; pages < 20; pages++) {
    const page = await hubs.registry.clients({ limit, after });
    expect(page.clients.length).toBeLessThanOrEqual(limit);
    seen.push(...page.clients.map(({ clientId }) => clientId));
    if (page.next === undefined) return seen;
    after = page.next;
  }
  throw new Error("The list has no end.");
}
