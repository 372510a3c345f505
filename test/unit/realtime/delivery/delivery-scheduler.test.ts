import { describe, expect, it } from "vitest";
import { RealtimeManager } from "../../../../src/realtime/manager.ts";
import { within } from "../../../support/deadline.ts";
import { connect, entry } from "../../../support/manager-under-test.ts";
import { RecordingSink } from "../../../support/recording-sink.ts";

/** Clients with different keys of one topic. */
function crowd(sliceCost: number | undefined, clients: number, keys: number) {
  const manager = new RealtimeManager({}, sliceCost);
  const sinks = Array.from({ length: clients }, (_, client) => {
    const own = Array.from({ length: keys }, (_, key) => `chat?options={"own":"${client}-${key}"}`);
    return connect(manager, `client ${client}`, own, new RecordingSink(Number.POSITIVE_INFINITY));
  });
  const written = () => sinks.reduce((sum, { frames }) => sum + frames.length, 0);
  return { manager, sinks, written };
}

describe("a message that reaches many subscriptions", () => {
  it("is interrupted before all are written, and a message for other clients overtakes it", async () => {
    const { manager, sinks, written } = crowd(100, 20, 40);
    const other = connect(manager, "other", ["news"]);
    manager.deliver([entry("chat", 1)]);
    expect(written()).toBeGreaterThan(0);
    expect(written()).toBeLessThan(800);
    manager.deliver([entry("news", 2)]);
    expect(other.data()).toEqual([2]);
    expect(written()).toBeLessThan(800);
    await within(manager.settled() ?? Promise.resolve(), 5000, "all is written");
    for (const sink of sinks) expect(sink.events).toHaveLength(40);
    expect(manager.settled()).toBeUndefined();
  });

  it("makes only its own publisher wait", async () => {
    const { manager } = crowd(100, 20, 40);
    connect(manager, "other", ["news"]);
    manager.deliver([entry("chat", 1)]);
    const since = manager.deliveryNumber;
    manager.deliver([entry("news", 2)]);
    expect(manager.settled(since)).toBeUndefined();
    await within(manager.settled(0) ?? Promise.reject(), 5000, "all is written");
  });

  it("reaches a client before an event that is sent meanwhile, with the same ids as without an interruption", async () => {
    const { manager, sinks } = crowd(0, 3, 3);
    const first = entry("chat", 1);
    const second = entry("chat", 2);
    manager.deliver([first, second]);
    expect(sinks[1]?.frames).toEqual([]);
    await manager.sendEvent("client 1", "note", 3);
    expect(sinks[1]?.events.map(({ data }) => data)).toEqual(["1", "1", "1", "2", "2", "2", "3"]);
    const ids = sinks[1]?.events.map(({ id }) => id) ?? [];
    expect([ids[2], ids[5]]).toEqual([first.cursor, second.cursor]);
    expect(ids[3]).toMatch(new RegExp(`^${first.cursor}~`));
    await within(manager.settled() ?? Promise.resolve(), 5000, "all is written");
    expect(sinks.map(({ frames }) => frames.length)).toEqual([6, 7, 6]);
  });

  it("reaches all clients before the manager closes, except clients that have left", async () => {
    const { manager, sinks } = crowd(0, 4, 2);
    manager.deliver([entry("chat", 1)]);
    manager.removeClient("client 0", "client");
    manager.removeClient("client 1", "admin");
    await within(manager.close(), 5000, "it is closed");
    expect(sinks.map(({ frames }) => frames.length)).toEqual([0, 2, 2, 2]);
    expect(sinks.map(({ closings }) => closings)).toEqual([
      ["client"],
      ["admin"],
      ["shutdown"],
      ["shutdown"],
    ]);
  });

  it("removes a slow client once, and continues", async () => {
    const { manager, sinks } = crowd(0, 2, 3);
    const slow = connect(manager, "slow", ["chat", "*", "chat?a"], new RecordingSink(1));
    manager.deliver([entry("chat", 1), entry("chat", 2)]);
    // The message that is on its way is written first, and that is too much for the client.
    expect(() => manager.setSubscriptions("slow", { subscriptions: ["chat"] })).toThrow(
      "Missing or invalid client id.",
    );
    expect(slow.closings).toEqual(["slow"]);
    await within(manager.settled() ?? Promise.resolve(), 5000, "all is written");
    expect(sinks.map(({ frames }) => frames.length)).toEqual([6, 6]);
  });

  it("makes publishers wait while very many messages are on their way", async () => {
    const { manager, sinks } = crowd(100, 2, 1);
    expect(manager.room()).toBeUndefined();
    manager.deliver(Array.from({ length: 1100 }, (_, n) => entry("chat", n)));
    expect(manager.room()).toBeInstanceOf(Promise);
    for (let room = manager.room(); room !== undefined; room = manager.room()) {
      await within(room, 5000, "there may be room");
    }
    expect(manager.settled(), "many are still on their way").toBeInstanceOf(Promise);
    await within(manager.settled() ?? Promise.resolve(), 5000, "all is written");
    for (const sink of sinks) {
      expect(sink.events.map(({ data }) => Number(data))).toEqual([...Array(1100).keys()]);
    }
  });
});
