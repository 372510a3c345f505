import { afterEach, describe, expect, it } from "vitest";
import { SqliteLog } from "../../src/log/sqlite.ts";
import { StorageDatabase } from "../../src/registry/durable-object/storage-database.ts";
import { closeHubs, type HubsUnderTest, openHubs } from "./hubs.ts";

afterEach(closeHubs);

describe("the log of a hub that wakes", () => {
  it("still has the history, in order", async () => {
    const hubs = openHubs();
    await hubs.publish({ topic: "a", data: 1, id: "m1" }, { topic: "b", data: 2, id: "m2" });
    await hubs.evict();
    await hubs.publish({ topic: "a", data: 3, id: "m3", private: true });
    await hubs.evict();
    const history = await historyOf(hubs);
    expect(history.map(({ message }) => message)).toEqual([
      { id: "m1", topics: ["a"], data: "1", private: false },
      { id: "m2", topics: ["b"], data: "2", private: false },
      { id: "m3", topics: ["a"], data: "3", private: true },
    ]);
  });

  it("still has the changes of record events, and a page of the history has none", async () => {
    const hubs = openHubs();
    const change = { collection: { name: "posts", hidden: ["secret"] }, previous: { id: "r1" } };
    await hubs.publish({ ...change, action: "update", record: { id: "r1" } });
    await hubs.evict();
    const [entry] = await historyOf(hubs);
    expect(JSON.parse(entry?.message.change ?? "")).toEqual(change);
    const { messages } = await hubs.registry.history({ topics: ["posts/r1"], limit: 10 });
    expect(messages).toHaveLength(1);
    expect(messages[0]?.message).not.toHaveProperty("change");
  });

  it("continues the sequence in the same epoch", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["chat"]);
    for (let count = 0; count < 3; count++) {
      await hubs.publish({ topic: "chat", data: count });
      await hubs.evict();
    }
    await hubs.settle(client);
    const cursors = client.sink.events.map(({ id }) => id);
    const [, epoch] = cursors[0]?.split("-") ?? [];
    expect(cursors).toEqual([1, 2, 3, 4].map((sequence) => `0-${epoch}-${sequence}`));
    expect((await historyOf(hubs)).map(({ cursor }) => cursor)).toEqual(cursors);
  });

  it("has its cursor before the next publish", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["chat"]);
    await hubs.publish({ topic: "chat", data: 1 });
    await hubs.evict();
    expect(await hubs.registry.send(client.clientId, "note", 2)).toBe(true);
    const [first, second] = await client.sink.receive(2);
    expect(second?.id).toMatch(new RegExp(`^${first?.id}\\.[\\w-]+$`));
  });

  it("remembers ids, so that a message from before is a duplicate and is not delivered", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["chat"]);
    await hubs.publish({ topic: "chat", data: "first", id: "m1" });
    await hubs.evict();
    const receipts = await hubs.publish(
      { topic: "chat", data: "first", id: "m1" },
      { topic: "chat", data: "second", id: "m2" },
    );
    expect(receipts).toEqual([
      { id: "m1", duplicate: true },
      { id: "m2", duplicate: false },
    ]);
    await hubs.settle(client);
    expect(client.sink.data("chat")).toEqual(["first", "second"]);
    expect(await hubs.registry.stats()).toMatchObject({ accepted: 2, duplicate: 1 });
  });
});

describe("a thousand keys of 2,500 characters", () => {
  const characters = [
    ["ASCII", "x"],
    ["control characters, which take six characters in JSON", "\u0001"],
    ["two bytes of UTF-8 each", "ü"],
    ["surrogate pairs", "😀"],
    ["lone surrogates", "\ud800"],
  ] as const;

  for (const [name, character] of characters) {
    it(`are stored and restored when the hub wakes: ${name}`, async () => {
      const hubs = openHubs();
      const client = await hubs.connect();
      const keys = Array.from({ length: 1000 }, (_, index) => `${index}/`.padEnd(2500, character));
      await hubs.registry.setSubscriptions(client.clientId, { subscriptions: keys });
      await hubs.evict();
      expect((await hubs.find(client.clientId))?.subscriptions).toEqual(keys);
      await hubs.publish({ topic: keys[999] ?? "", data: "last" }, { topic: "0/", data: "none" });
      const [event] = await client.sink.receive(1);
      expect(event?.data).toBe('"last"');
    });
  }

  it("leave no rows behind when fewer keys replace them", async () => {
    const hubs = openHubs();
    const client = await hubs.connect();
    const keys = Array.from({ length: 1000 }, (_, index) => `key/${index}`);
    await hubs.registry.setSubscriptions(client.clientId, { subscriptions: keys });
    expect((await hubs.rows()).length).toBeGreaterThan(1);
    await hubs.subscribe(client, ["one"]);
    expect(await hubs.rows()).toEqual([client.clientId]);
    await hubs.evict();
    expect((await hubs.find(client.clientId))?.subscriptions).toEqual(["one", "fence"]);
    await hubs.registry.setSubscriptions(client.clientId, { subscriptions: [] });
    expect(await hubs.rows()).toEqual([]);
  });

  it("are stored separately for each client", async () => {
    const hubs = openHubs();
    const many = Array.from({ length: 250 }, (_, index) => `key/${index}`);
    const [first, second] = [await hubs.connect(many), await hubs.connect(["one"])];
    await hubs.evict();
    expect((await hubs.find(first.clientId))?.subscriptions).toEqual([...many, "fence"]);
    expect((await hubs.find(second.clientId))?.subscriptions).toEqual(["one", "fence"]);
  });
});

/** The content of the hub's log, read directly from its storage. */
function historyOf(hubs: HubsUnderTest) {
  return hubs.inside(
    (_, { storage }) =>
      new SqliteLog({ database: new StorageDatabase(storage) }).read(undefined, 100)?.entries ?? [],
  );
}
