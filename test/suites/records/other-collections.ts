import { describe, expect, it } from "vitest";
import { subscriptionKey } from "../../support/subscription-key.ts";
import { ADMIN } from "../access/context.ts";
import { idsOf, type RecordsWorld, userWith } from "./context.ts";

/** Rules with an entry for all other collections. */
export const OTHER_RULES = {
  "*": { listRule: '@request.auth.role = "staff"', viewRule: null, hidden: ["secret"] },
  posts: { id: "pbc_posts", listRule: "", viewRule: "" },
};

export function otherCollectionTests(world: RecordsWorld): void {
  describe('the rules of the entry "*"', () => {
    const create = (collection: unknown, id: string) => ({
      collection,
      action: "create",
      record: { id, secret: 1 },
    });

    it("hold for collections without an entry of their own, and for no messages to topics", async () => {
      const keys = ["*", "notes/*", "notes", "notes/n1", "posts/*", "pbc_posts/*"];
      const staff = await userWith({ id: "anna", role: "staff" });
      const viewers = [{}, staff, ADMIN];
      const clients = [];
      for (const headers of viewers) clients.push(await world.listen(keys, headers));
      await world.publish(
        create("notes", "n1"),
        create({ name: "posts", id: "pbc_posts" }, "p1"),
        create("pbc_posts", "p2"),
        { topic: "notes/n1", data: { record: { id: "t1", secret: 1 } } },
      );
      const expected = [
        [["p1", "p2", "t1"], ["t1"], [], ["t1"], ["p1"], ["p1", "p2"]],
        [["n1", "p1", "p2", "t1"], ["n1", "t1"], ["n1"], ["t1"], ["p1"], ["p1", "p2"]],
        [["n1", "p1", "p2", "t1"], ["n1", "t1"], ["n1"], ["n1", "t1"], ["p1"], ["p1", "p2"]],
      ];
      for (const [index, client] of clients.entries()) {
        const heard = await world.heard(client);
        const ids = keys.map((key) => idsOf(heard.filter(([event]) => event === key)));
        expect([index, ids]).toEqual([index, expected[index]]);
        const shown = heard.find(([event]) => event === "notes/*")?.[1];
        const record = index === 0 ? { id: "t1", secret: 1 } : { id: "n1" };
        expect(shown).toMatchObject({ record: index === 2 ? { ...record, secret: 1 } : record });
        expect(JSON.stringify(shown).includes("secret")).toBe(index !== 1);
      }
    });

    it("hide fields from filters", async () => {
      const client = await world.listen([]);
      for (const topic of ["notes/*", "notes/n1", "*"]) {
        const key = subscriptionKey(topic, { filter: "secret = 1" });
        expect([topic, (await world.subscribe(client, [key])).status]).toEqual([topic, 400]);
      }
      const key = subscriptionKey("posts/*", { filter: "secret = 1" });
      expect((await world.subscribe(client, [key])).status).toBe(204);
      await world.publish(create("posts", "p3"));
      expect(idsOf(await world.heard(client))).toEqual(["p3"]);
    });
  });
}
