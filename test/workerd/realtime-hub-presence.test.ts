import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";
import { closeHubs, type HubsUnderTest, openHubs } from "./hubs.ts";
import { knows, membersOf, openOn, told, watch } from "./presence.ts";

afterEach(closeHubs);

describe("presence on a hub", () => {
  it("sends the members first, then joins, updates and leaves", async () => {
    const hubs = openHubs(1, "presence");
    const watcher = await watch(hubs, 0);
    const ann = await openOn(hubs, 0, ["chat/1"], { identity: "ann", info: { name: "Ann" } });
    await openOn(hubs, 0, ["chat/1"]);
    await hubs.registry.extendInfo({
      clientId: ann.connection.clientId,
      topic: "chat/1",
      info: { typing: true },
      principal: { identity: "ann" },
    });
    const info = { typing: true, name: "Ann" };
    expect(await hubs.registry.members("chat/1")).toEqual({
      type: "members",
      members: [{ id: "ann", info, since: expect.any(Number) }],
      count: 1,
      guests: 1,
    });
    ann.connection.close("client");
    await eventually(() => told(watcher).at(-1) === "leave ann", "the member leaves");
    expect(told(watcher)).toEqual([
      "members  and 0 guests",
      "join ann",
      "guests 1",
      "update ann",
      "leave ann",
    ]);
  });

  it("sends no event about a reload within the grace", async () => {
    const hubs = openHubs(1, "presence");
    const watcher = await watch(hubs, 0);
    const ann = await openOn(hubs, 0, ["chat/1"], { identity: "ann" });
    ann.connection.close("client");
    await openOn(hubs, 0, ["chat/1"], { identity: "ann" });
    const bob = await openOn(hubs, 0, ["chat/1"], { identity: "bob" });
    await eventually(async () => (await hubs.registry.stats()).clients === 3, "ann has reloaded");
    bob.connection.close("client");
    // Bob's grace ends after that of Ann's first stream.
    await eventually(() => told(watcher).at(-1) === "leave bob", "bob leaves");
    expect(told(watcher)).toEqual(["members  and 0 guests", "join ann", "join bob", "leave bob"]);
  });

  it("refuses questions about topics without presence", async () => {
    const hubs = openHubs(1, "presence");
    await expect(hubs.registry.members("news")).rejects.toMatchObject({ code: "invalid_input" });
    const without = openHubs();
    await expect(without.registry.members("chat/1")).rejects.toMatchObject({
      code: "invalid_input",
    });
    const info = { clientId: "unknown", topic: "chat/1", info: {}, principal: {} };
    await expect(hubs.registry.extendInfo(info)).rejects.toMatchObject({ code: "unknown_client" });
  });

  it("needs no alarm of its own for a member that joins", async () => {
    const hubs = openHubs(1, "presence");
    await openOn(hubs, 0, ["chat/1"], { identity: "ann" });
    const { alarm, counts } = await stored(hubs);
    // The alarm is that of the history: the join is a message.
    expect(alarm).toBeGreaterThan(Date.now() + 60_000);
    expect(counts).toEqual({ members: 1, sources: 1, unsent: 0 });
  });
});

describe("presence on a hub that wakes", () => {
  it("repeats no event, and has the members with their info and time of joining", async () => {
    const hubs = openHubs(1, "presence");
    const watcher = await watch(hubs, 0);
    const info = { name: "Ann" };
    const ann = await openOn(hubs, 0, ["chat/1"], { identity: "ann", info });
    await openOn(hubs, 0, ["chat/1"]);
    const request = { clientId: ann.connection.clientId, topic: "chat/1", info: { typing: true } };
    await hubs.registry.extendInfo({ ...request, principal: { identity: "ann" } });
    const before = await membersOf(hubs, 0);
    const lines = told(watcher);
    await hubs.evict();
    expect(await membersOf(hubs, 0)).toEqual(before);
    await hubs.evict();
    await openOn(hubs, 0, ["chat/1"], { identity: "bob" });
    await eventually(() => told(watcher).at(-1) === "join bob", "bob joins");
    expect(told(watcher)).toEqual([...lines, "join bob"]);
  });

  it("still counts, and does not list, the members of a topic that had more than a thousand", async () => {
    const hubs = openHubs(2, "presence");
    const watcher = await watch(hubs, 0);
    await openOn(hubs, 0, ["chat/1"], { identity: "ann" });
    const reports = [
      { from: 0, to: 1000, left: [] },
      { from: 0, to: 0, left: ["m0", "m1"] },
    ];
    for (const [index, { from, to, left }] of reports.entries()) {
      const present = Array.from({ length: to - from }, (_, number) => ({
        id: `m${from + number}`,
        info: {},
        since: 1,
        updatedAt: 1,
      }));
      const report = { topic: "chat/1", isOccupied: true, guests: 0, isComplete: false };
      await hubs.stub(0).reportPresence(1, index + 1, [{ ...report, present, left }]);
      await hubs.inside((hub) => hub.evict());
    }
    await eventually(() => watcher.sink.events.length === 4, "the watcher is told");
    const events = watcher.sink.data("$presence/chat/1").slice(2);
    expect(events).toEqual([
      { type: "members", count: 1001, guests: 0 },
      { type: "members", count: 999, guests: 0 },
    ]);
  });

  it("removes members and guests that went away while it was down, after the grace", async () => {
    const hubs = openHubs(1, "presence");
    const watcher = await watch(hubs, 0);
    await openOn(hubs, 0, ["chat/1"], { identity: "ann" });
    await hubs.inside((_, { storage }) => {
      const member = "INSERT INTO presence_members VALUES ('chat/1', 0, 'ghost', '{}', 1, 1)";
      storage.sql.exec(`${member}; UPDATE presence_sources SET guests = 2`);
    });
    await hubs.evict();
    await knows(hubs, 0, ["ann"], 0);
    await eventually(() => told(watcher).at(-1) === "guests 0", "the guests leave");
    expect(told(watcher).slice(2)).toEqual(["leave ghost", "guests 0"]);
    expect((await stored(hubs)).counts).toEqual({ members: 1, sources: 1, unsent: 0 });
  });

  it("sends the members to a subscriber with a replay in progress", async () => {
    const hubs = openHubs(1, "presence");
    await openOn(hubs, 0, ["chat/1"], { identity: "ann" });
    const origin = await openOn(hubs, 0, []);
    for (let count = 0; count < 3; count++) {
      await hubs.publish({ topic: "news", data: "x".repeat(70_000) });
    }
    const topics = ["news", "$presence/chat/1", `$presence/chat/${"y".repeat(20_000)}`];
    const connection = await hubs.open(0, {
      identity: "w",
      rights: ["*"],
      topics,
      lastEventId: origin.connection.clientId,
    });
    const sink = new RecordingSink().hold();
    await connection.attach(sink);
    await eventually(() => sink.isAwaited, "the first page arrives");
    await hubs.evict();
    expect(told({ sink })).toEqual([]);
    sink.release();
    await eventually(() => told({ sink }).length === 2, "the members arrive");
    expect(told({ sink })[0]).toBe("members ann and 0 guests");
  });

  it("keeps the longest identity and info of a client", async () => {
    const hubs = openHubs(1, "presence");
    // As JSON 1,024 bytes; as the runtime stores it, a number takes 9 bytes.
    const numbers = Array.from({ length: 254 }, () => 1.5);
    const info = { ж: numbers };
    const identity = "ж".repeat(1024);
    const keys = Array.from({ length: 999 }, (_, index) => `k/${index}`);
    const origin = await openOn(hubs, 0, []);
    await hubs.publish({ topic: "k/0", data: "x".repeat(70_000) });
    await hubs.publish({ topic: "k/0", data: "x".repeat(70_000) });
    const lastEventId = origin.connection.clientId;
    const topics = ["chat/1", ...keys];
    const connection = await hubs.open(0, { identity, info, topics, lastEventId });
    const sink = new RecordingSink().hold();
    await connection.attach(sink);
    await eventually(() => sink.isAwaited, "the first page arrives");
    await hubs.evict();
    const [member] = (await membersOf(hubs, 0)).members ?? [];
    expect(member).toMatchObject({ id: identity, info });
  });
});

async function stored(hubs: HubsUnderTest, shard = 0) {
  return hubs.inside(async (_, { storage }) => {
    const query =
      "SELECT (SELECT COUNT(*) FROM presence_members) AS members, (SELECT COUNT(*) FROM presence_sources) AS sources, (SELECT COUNT(*) FROM presence_unsent) AS unsent";
    return { alarm: await storage.getAlarm(), counts: storage.sql.exec(query).one() };
  }, shard);
}
