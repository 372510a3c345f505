import { describe, expect, it } from "vitest";
import { subscriptionKey } from "../../support/subscription-key.ts";
import { idsOf, type RecordsWorld } from "./context.ts";

const COLLECTION = { name: "posts", id: "pbc_posts" };
const record = (id: string, n: number) => ({ id, n });

export function topicTests(world: RecordsWorld): void {
  describe("a filter and fields", () => {
    it.each([
      ["the collection", "posts/*", ["r1", "r3"]],
      ["the collection by its bare name", "posts", ["r1", "r3"]],
      ["the collection by its id", "pbc_posts/*", ["r1", "r3"]],
      ["the collection by its bare id", "pbc_posts", ["r1", "r3"]],
      ["a record that matches", "posts/r1", ["r1"]],
      ["a record that matches, by the collection's id", "pbc_posts/r3", ["r3"]],
      ["a record that does not match", "posts/r2", []],
      ["all topics", "*", ["r1", "r3"]],
    ])("select records from a subscription to %s", async (_, topic, ids) => {
      const key = subscriptionKey(topic, { filter: "n > 1", fields: "id" });
      const client = await world.listen([key]);
      const start = await world.cursor();
      await world.publish(
        ...[record("r1", 2), record("r2", 1), record("r3", 3)].map((record) => ({
          collection: COLLECTION,
          action: "update",
          record,
        })),
      );
      const heard = await world.heard(client);
      expect(idsOf(heard)).toEqual(ids);
      for (const [event, data] of heard) {
        const { id } = (data as { record: { id: string } }).record;
        expect([event, data]).toEqual([key, { action: "update", record: { id } }]);
      }
      const found = await world.history(start, [key]);
      expect(found).toEqual(ids.map((id) => ({ action: "update", record: { id } })));
    });
  });
}
