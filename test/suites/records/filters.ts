import { describe, expect, it } from "vitest";
import { subscriptionKey } from "../../support/subscription-key.ts";
import { idsOf, type RecordsWorld } from "./context.ts";

const POSTS = [
  { id: "p1", status: "open", votes: 3, tags: ["new", "fun"], title: "It's here", body: null },
  { id: "p2", status: "closed", votes: 12, tags: [], title: 'say "no" \\ maybe', body: "" },
  { id: "p3", status: "open", votes: 40, tags: ["old"], title: "дом 🎉\nsecond line", body: "x" },
];

/** Filters as clients write them, and the ids of the records that match. */
const FILTERS: readonly (readonly [filter: string, ids: readonly string[]])[] = [
  ['status = "open"', ["p1", "p3"]],
  ["status = 'open' && votes > 10", ["p3"]],
  ["status = 'closed' || votes > 10", ["p2", "p3"]],
  ["(status = 'open' || votes > 10) && votes < 40 // a comment", ["p1", "p2"]],
  ["tags:each ?= 'fun'", ["p1"]],
  ["tags:length = 0", ["p2"]],
  ["title ~ 'дом' || title ~ 'SAY'", ["p2", "p3"]],
  // A null without a declared type is JSON, whose null is not an empty text.
  ["body = ''", ["p2"]],
  ["body = null", ["p1", "p2"]],
  ["id != ''", ["p1", "p2", "p3"]],
  ["id = 'nobody'", []],
  ["@now > '2020-01-01' && id = 'p1'", ["p1"]],
  // Escapes: the SDK before 0.27.2 escapes only the quote, and later ones write a JSON string.
  ["title = 'It\\'s here'", ["p1"]],
  [`title = ${JSON.stringify(POSTS[0]?.title)}`, ["p1"]],
  [`title = ${JSON.stringify(POSTS[1]?.title)}`, ["p2"]],
  [`title = ${JSON.stringify(POSTS[2]?.title)}`, ["p3"]],
  // A name that the records lack makes the whole filter fail, even beside a condition that holds.
  ["unknown = 1", []],
  ["id != '' || unknown = 1", []],
  ["__proto__ = null || constructor = null", []],
];

export function filterTests(world: RecordsWorld): void {
  describe("a filter", () => {
    const postEvents = POSTS.map((record) => ({ collection: "posts", action: "create", record }));

    it("selects the records that a subscription receives, live and in the history", async () => {
      const keys = FILTERS.map(([filter]) => subscriptionKey("posts/*", { filter }));
      const client = await world.listen(keys);
      const start = await world.cursor();
      await world.publish(...postEvents);
      const heard = await world.heard(client);
      for (const [index, [filter, ids]] of FILTERS.entries()) {
        const key = keys[index] ?? "";
        expect([filter, idsOf(heard.filter(([event]) => event === key))]).toEqual([filter, ids]);
        const page = await world.history(start, [key]);
        expect([filter, page]).toEqual([
          filter,
          POSTS.filter(({ id }) => ids.includes(id)).map((record) => ({
            action: "create",
            record,
          })),
        ]);
      }
    });

    it("leaves the message as it was published", async () => {
      const key = subscriptionKey("posts/*", { filter: "votes = 3" });
      const client = await world.listen([key]);
      await world.publish(...postEvents);
      expect(await world.heard(client)).toEqual([[key, { action: "create", record: POSTS[0] }]]);
      const [event] = client.events;
      expect(event?.data).toBe(JSON.stringify({ action: "create", record: POSTS[0] }));
    });

    it("of one key has no effect on the client's other keys and on other clients", async () => {
      const [open, closed] = ["open", "closed"].map((status) =>
        subscriptionKey("posts/*", { filter: `status = "${status}"` }),
      ) as [string, string];
      const both = await world.listen([open, closed, "posts/p2", "posts"]);
      const other = await world.listen(["posts/*"]);
      const one = await world.listen([closed]);
      await world.publish(...postEvents);
      const events = await world.heard(both);
      const idsUnder = (key: string) => idsOf(events.filter(([event]) => event === key));
      expect(idsUnder(open)).toEqual(["p1", "p3"]);
      expect(idsUnder(closed)).toEqual(["p2"]);
      expect(idsUnder("posts/p2")).toEqual(["p2"]);
      expect(idsUnder("posts")).toEqual(["p1", "p2", "p3"]);
      expect(idsOf(await world.heard(other))).toEqual(["p1", "p2", "p3"]);
      expect(idsOf(await world.heard(one))).toEqual(["p2"]);
    });

    it("reads the declared types of the event's collection", async () => {
      const collection = { name: "typed", fields: { data: "json", score: "number", gone: "text" } };
      const filters = ["score = '7.0'", "data.a.0 = 5", "gone = ''", "data = '5'"] as const;
      const keys = filters.map((filter) => subscriptionKey("typed/*", { filter }));
      const client = await world.listen(keys);
      const record = { id: "t1", score: 7, data: { a: [5] } };
      await world.publish({ collection, action: "create", record });
      const names = (await world.heard(client)).map(([event]) => event);
      expect(names.toSorted()).toEqual(keys.slice(0, 3).toSorted());
    });

    it("reads the data of a message to a topic as a record", async () => {
      const key = subscriptionKey("chat/*", { filter: 'text ~ "hello"', fields: "text" });
      const client = await world.listen([key]);
      for (const data of [{ text: "Hello", n: 1 }, { text: "bye" }, "hello", ["hello"], null, {}]) {
        await world.publish({ topic: "chat/a", data });
      }
      expect(await world.heard(client)).toEqual([[key, { text: "Hello" }]]);
    });

    it("that is empty selects everything", async () => {
      const key = subscriptionKey("posts/*", { filter: "", fields: "" });
      const client = await world.listen([key]);
      await world.publish(...postEvents);
      expect((await world.heard(client)).map(([, data]) => data)).toEqual(
        POSTS.map((record) => ({ action: "create", record })),
      );
    });
  });
}
