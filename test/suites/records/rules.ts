import { describe, expect, it } from "vitest";
import { subscriptionKey } from "../../support/subscription-key.ts";
import { ADMIN } from "../access/context.ts";
import { type Headers, idsOf, type RecordsWorld, userWith } from "./context.ts";

export function ruleTests(world: RecordsWorld): void {
  /** The ids that a viewer receives under each key, of records that are published now. */
  const idsUnder = async (
    keys: readonly string[],
    headers: Headers,
    collection: unknown,
    records: readonly object[],
  ) => {
    const client = await world.listen(keys, headers);
    await world.publish(...records.map((record) => ({ collection, action: "update", record })));
    const heard = await world.heard(client);
    client.close();
    return keys.map((key) => idsOf(heard.filter(([event]) => event === key)));
  };

  describe("rules", () => {
    it.each([
      ["null, for administrators only", "internal", [false, false], [true, true]],
      ['"", for everyone', "public", [true, true], [true, true]],
      [
        "only for the list, and the other for administrators",
        "listed",
        [true, false],
        [true, true],
      ],
      [
        "only for the view, and the other for administrators",
        "viewed",
        [false, true],
        [true, true],
      ],
      ["absent", "unruled", [true, true], [true, true]],
    ])("may be %s", async (_, collection, others, administrators) => {
      const keys = [`${collection}/*`, collection, `${collection}/r1`, "*"];
      const expected = ([list, view]: readonly boolean[]) =>
        [list, list, view, list].map((isAllowed) => (isAllowed ? ["r1"] : []));
      const viewers: readonly (readonly [Headers, readonly boolean[]])[] = [
        [{}, others],
        [await userWith({ id: "anna" }), others],
        [ADMIN, administrators],
      ];
      for (const [headers, allowed] of viewers) {
        const start = await world.cursor();
        const ids = await idsUnder(keys, headers, collection, [{ id: "r1" }]);
        expect(ids).toEqual(expected(allowed));
        for (const [index, key] of keys.slice(0, 3).entries()) {
          const page = await world.history(start, [key], headers);
          expect([key, page.length]).toEqual([key, expected(allowed)[index]?.length]);
        }
      }
    });

    it("hold for the collection's name and id: the list rule for all records, the view rule for one", async () => {
      const collection = { name: "published", id: "pbc_published" };
      const records = [
        { id: "a", published: true, secretLink: "no" },
        { id: "b", published: false, secretLink: "yes" },
        { id: "c", published: false, secretLink: "no" },
      ];
      const keys = ["published/*", "pbc_published/*", "published", "pbc_published", "*"];
      const views = ["a", "b", "c"].flatMap((id) => [`published/${id}`, `pbc_published/${id}`]);
      const ids = await idsUnder([...keys, ...views], {}, collection, records);
      expect(ids.slice(0, 5)).toEqual(keys.map(() => ["a"]));
      expect(ids.slice(5)).toEqual([[], [], ["b"], ["b"], [], []]);
      const all = await idsUnder(keys, ADMIN, "pbc_published", records);
      // An event by id has the topics of that id only.
      expect(all).toEqual([[], ["a", "b", "c"], [], ["a", "b", "c"], ["a", "b", "c"]]);
      const guest = await idsUnder(keys, {}, "pbc_published", records);
      expect(guest).toEqual([[], ["a"], [], ["a"], ["a"]]);
    });

    it("hold beside the client's filter, which can't widen them", async () => {
      const keys = ["published = true || published = false", "secretLink = 'no'"].map((filter) =>
        subscriptionKey("published/*", { filter }),
      );
      const records = [
        { id: "a", published: true, secretLink: "no" },
        { id: "b", published: false, secretLink: "no" },
        { id: "c", published: true, secretLink: "yes" },
      ];
      expect(await idsUnder(keys, {}, "published", records)).toEqual([["a", "c"], ["a"]]);
      // Every rule passes for administrators, and their filter still applies.
      expect(await idsUnder(keys, ADMIN, "published", records)).toEqual([
        ["a", "b", "c"],
        ["a", "b"],
      ]);
    });

    it("do not replace the right to private messages", async () => {
      const anna = await userWith({ id: "anna" }, { realtime: { subscribe: ["public/*"] } });
      const viewers = [{}, await userWith({ id: "bert" }), anna];
      const clients = [];
      for (const headers of viewers)
        clients.push(await world.listen(["public/*", "own/*"], headers));
      const event = { action: "create", private: true };
      await world.publish(
        { ...event, collection: "public", record: { id: "p1" } },
        { ...event, collection: "own", record: { id: "o1", owner: "anna", members: [] } },
      );
      const ids = [];
      for (const client of clients) ids.push(idsOf(await world.heard(client)));
      expect(ids).toEqual([[], [], ["p1"]]);
    });

    it("that name a field which a record lacks deny the record", async () => {
      const records = [{ id: "a" }, { id: "b", published: true }];
      expect(await idsUnder(["published/*"], {}, "published", records)).toEqual([["b"]]);
    });

    it("compare the record with the user's record", async () => {
      const keys = ["own/*", "own/a", "own/b", "own/c"];
      const records = [
        { id: "a", owner: "anna", members: ["bert"] },
        { id: "b", owner: "bert", members: [] },
        // As in PocketBase, a guest's id is empty, and equals an empty owner.
        { id: "c", owner: "", members: ["anna", "carl"] },
      ];
      const seen = async (headers: Headers) => idsUnder(keys, headers, "own", records);
      const [anna, bert, dora] = await Promise.all(
        ["anna", "bert", "dora"].map((id) => userWith({ id })),
      );
      expect(await seen(anna ?? {})).toEqual([["a"], ["a"], [], ["c"]]);
      expect(await seen(bert ?? {})).toEqual([["b"], ["a"], ["b"], []]);
      expect(await seen(dora ?? {})).toEqual([[], [], [], []]);
      expect((await seen({}))[0]).toEqual(["c"]);
      expect(await seen(ADMIN)).toEqual([["a", "b", "c"], ["a"], ["b"], ["c"]]);
    });

    it("compare any claim of the user's record, at the same time for many users", async () => {
      const records = [
        { id: "r1", team: "red" },
        { id: "r2", team: "blue" },
      ];
      const users = [
        { id: "u1", role: "editor", team: "red" },
        { id: "u2", role: "editor", team: "blue" },
        { id: "u3", role: "reader", team: "red" },
        { id: "u4", role: "banned", team: "red" },
        { id: "u5" },
      ];
      const clients = [];
      for (const user of users) {
        clients.push(await world.listen(["staff/*", "staff/r1"], await userWith(user)));
      }
      clients.push(await world.listen(["staff/*", "staff/r1"]));
      await world.publish(
        ...records.map((record) => ({ collection: "staff", action: "create", record })),
      );
      const expected = [
        [["r1"], ["r1"]],
        [["r2"], ["r1"]],
        [[], ["r1"]],
        [[], []],
        [[], ["r1"]],
        // As in PocketBase, a guest's role is null, and differs from any text.
        [[], ["r1"]],
      ];
      for (const [index, client] of clients.entries()) {
        const heard = await world.heard(client);
        const ids = ["staff/*", "staff/r1"].map((key) =>
          idsOf(heard.filter(([event]) => event === key)),
        );
        expect([users[index], ids]).toEqual([users[index], expected[index]]);
      }
    });
  });
}
