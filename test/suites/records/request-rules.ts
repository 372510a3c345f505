import { describe, expect, it } from "vitest";
import { subscriptionKey } from "../../support/subscription-key.ts";
import { idsOf, type RecordsWorld } from "./context.ts";

export function requestRuleTests(world: RecordsWorld): void {
  const create = (collection: string, record: object) => ({
    collection,
    action: "create",
    record,
  });

  describe("rules with the options of a subscription", () => {
    it("read its query, each key by itself", async () => {
      const keys = [
        subscriptionKey("rooms/*", { room: "a" }),
        subscriptionKey("rooms/*", { room: "b", filter: "id != 'r3'" }),
        "rooms/*",
        // The query of the request is no part of the subscription.
        "rooms/*?room=a",
      ];
      const client = await world.listen(keys);
      const start = await world.cursor();
      await world.publish(
        create("rooms", { id: "r1", room: "a" }),
        create("rooms", { id: "r2", room: "b" }),
        create("rooms", { id: "r3", room: "b" }),
        create("rooms", { id: "r4", room: "c" }),
      );
      const heard = await world.heard(client);
      const ids = keys.map((key) => idsOf(heard.filter(([event]) => event === key)));
      expect(ids).toEqual([["r1"], ["r2"], [], []]);
      for (const [index, key] of keys.slice(0, 3).entries()) {
        const page = (await world.history(start, [key])) as { record: { id: string } }[];
        expect([key, page.map(({ record }) => record.id)]).toEqual([key, ids[index]]);
      }
    });

    it("read its headers, whose names are in snake case", async () => {
      const record = { id: "h1", room: "a" };
      const keys = [
        subscriptionKey("rooms/h1", {}, { "X-Room-Token": "open" }),
        subscriptionKey("rooms/h1", {}, { "x-room-token": "shut" }),
        subscriptionKey("rooms/h1", { room: "" }),
      ];
      // A header of the request is no part of the subscription.
      const client = await world.listen([...keys, "rooms/h1"], { "X-Room-Token": "open" });
      await world.publish(create("rooms", record));
      const events = (await world.heard(client)).map(([event]) => event);
      expect(events.toSorted()).toEqual([keys[0], keys[2]].toSorted());
    });

    it("read the context and the method as in PocketBase", async () => {
      const client = await world.listen(["realtime/*"]);
      await world.publish(create("realtime", { id: "c1" }));
      expect(idsOf(await world.heard(client))).toEqual(["c1"]);
    });
  });
}
