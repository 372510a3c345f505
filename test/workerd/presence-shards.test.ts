import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../support/deadline.ts";
import { closeHubs, type HubsUnderTest, openHubs } from "./hubs.ts";
import { knows, openOn, setReachable, told, watch } from "./presence.ts";

afterEach(closeHubs);

describe("presence over two shards", () => {
  it("shows the members of both shards on both, and a member of both once", async () => {
    const hubs = openHubs(2, "presence");
    const watchers = [await watch(hubs, 0), await watch(hubs, 1)];
    const anns = [
      await openOn(hubs, 0, ["chat/1"], { identity: "ann" }),
      await openOn(hubs, 1, ["chat/1"], { identity: "ann" }),
    ];
    await openOn(hubs, 1, ["chat/1"], { identity: "bob" });
    await openOn(hubs, 0, ["chat/1"]);
    for (const shard of [0, 1]) await knows(hubs, shard, ["ann", "bob"], 1);
    anns[0]?.connection.close("client");
    anns[1]?.connection.close("client");
    for (const shard of [0, 1]) await knows(hubs, shard, ["bob"], 1);
    for (const watcher of watchers) {
      expect(told(watcher).filter((line) => line.endsWith("ann"))).toEqual([
        "join ann",
        "leave ann",
      ]);
      expect(told(watcher).at(-1)).toBe("leave ann");
    }
  });

  it("sends no event about a reload that ends on the other shard", async () => {
    const hubs = openHubs(2, "presence");
    const watcher = await watch(hubs, 0);
    const ann = await openOn(hubs, 0, ["chat/1"], { identity: "ann" });
    const bob = await openOn(hubs, 0, ["chat/1"], { identity: "bob" });
    ann.connection.close("client");
    await openOn(hubs, 1, ["chat/1"], { identity: "ann" });
    bob.connection.close("client");
    await eventually(() => told(watcher).at(-1) === "leave bob", "bob leaves");
    expect(told(watcher)).not.toContain("leave ann");
    await knows(hubs, 0, ["ann"]);
  });

  it("reports the missed changes to a hub that was unreachable, also after an eviction", async () => {
    const hubs = openHubs(2, "presence");
    const watcher = await watch(hubs, 1);
    await openOn(hubs, 0, ["chat/1"], { identity: "ann" });
    const bob = await openOn(hubs, 0, ["chat/1"], { identity: "bob" });
    await knows(hubs, 1, ["ann", "bob"]);
    await setReachable(hubs, 1, false);
    bob.connection.close("client");
    await knows(hubs, 0, ["ann"]);
    await openOn(hubs, 0, ["chat/1"], { identity: "cid" });
    expect(await unsent(hubs, 0)).toEqual(["chat/1"]);
    // What is unsent survives as well.
    await hubs.evict(0);
    await setReachable(hubs, 1, true);
    await knows(hubs, 1, ["ann", "cid"]);
    await eventually(() => told(watcher).length >= 5, "the watcher is told");
    expect(told(watcher).slice(3).toSorted()).toEqual(["join cid", "leave bob"]);
    await eventually(async () => (await unsent(hubs, 0)).length === 0, "all is sent");
  });

  it("removes the members of a hub that was down from both shards", async () => {
    const hubs = openHubs(2, "presence");
    await openOn(hubs, 0, ["chat/1"], { identity: "bob" });
    await openOn(hubs, 1, ["chat/1"], { identity: "ann" });
    await knows(hubs, 0, ["ann", "bob"]);
    // As after a failure: the hub's sockets are gone, and `webSocketClose` was not called.
    await hubs.inside((hub, state) => {
      hub.webSocketClose = async () => {};
      for (const socket of state.getWebSockets()) socket.close(1011, "");
    }, 1);
    await hubs.evict(1);
    await knows(hubs, 0, ["bob"]);
    await knows(hubs, 1, ["bob"]);
  });

  it("removes the members of a hub that has failed, when its streams end", async () => {
    const hubs = openHubs(2, "presence");
    const watcher = await watch(hubs, 0);
    const ann = await openOn(hubs, 1, ["chat/1"], { identity: "ann" });
    await openOn(hubs, 0, ["chat/1"], { identity: "bob" });
    await knows(hubs, 0, ["ann", "bob"]);
    await hubs.abort(1);
    expect(await ann.sink.ended()).toBe("error");
    await eventually(() => told(watcher).at(-1) === "leave ann", "ann leaves");
  });

  it("removes the members of a shard that no longer exists", async () => {
    const hubs = openHubs(2, "presence");
    const watcher = await watch(hubs, 0);
    await openOn(hubs, 1, ["chat/1"], { identity: "ann" });
    await knows(hubs, 0, ["ann"]);
    await hubs.inside((_, { storage }) => {
      for (const table of ["presence_members", "presence_sources"]) {
        storage.sql.exec(`UPDATE ${table} SET source = 2 WHERE source = 1`);
      }
    });
    await hubs.evict(0);
    await knows(hubs, 0, []);
    await eventually(() => told(watcher).at(-1) === "leave ann", "the watcher is told");
  });

  it("sends a hub's members to a shard that is added", async () => {
    const hubs = openHubs(2, "presence");
    await openOn(hubs, 0, ["chat/1"], { identity: "ann" });
    await knows(hubs, 1, ["ann"]);
    const forget = "DELETE FROM presence_members; DELETE FROM presence_sources";
    await hubs.inside((hub, { storage }) => {
      storage.sql.exec(forget);
      hub.evict();
    }, 1);
    await knows(hubs, 1, []);
    await hubs.inside((hub, { storage }) => {
      storage.sql.exec("UPDATE presence_shards SET count = 1");
      hub.evict();
    });
    await knows(hubs, 1, ["ann"]);
  });

  it("has an alarm within ten minutes while a hub has members", async () => {
    const hubs = openHubs(2, "presence");
    const ann = await openOn(hubs, 0, ["chat/1"], { identity: "ann" });
    await knows(hubs, 1, ["ann"]);
    await eventually(async () => (await unsent(hubs, 0)).length === 0, "all is sent");
    const alarm = await hubs.inside(async (hub, { storage }) => {
      await storage.deleteAlarm();
      await hub.alarm();
      return storage.getAlarm();
    });
    expect(alarm).toBeLessThanOrEqual(Date.now() + 600_000);
    ann.connection.close("client");
    await knows(hubs, 1, []);
  });
});

function unsent(hubs: HubsUnderTest, shard: number): Promise<string[]> {
  return hubs.inside((_, { storage }) => {
    const rows = storage.sql.exec<{ topic: string }>("SELECT topic FROM presence_unsent");
    return rows.toArray().map(({ topic }) => topic);
  }, shard);
}
