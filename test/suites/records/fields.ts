import { describe, expect, it } from "vitest";
import { subscriptionKey } from "../../support/subscription-key.ts";
import type { RecordsWorld } from "./context.ts";

const RECORD = {
  id: "r1",
  title: "Title",
  body: "<p>Hello <b>big</b> world</p><script>no()</script>",
  meta: { a: 1, b: { c: 2 } },
  list: [{ x: 1, y: 2 }, { x: 3 }],
  expand: { author: { id: "u1", name: "Anna", about: "<i>about</i> Anna" } },
};
const { id, title, body, meta, list } = RECORD;

const FIELDS: readonly (readonly [fields: string, record: object])[] = [
  ["id,title", { id, title }],
  [" title , id ", { id, title }],
  ["*", RECORD],
  ["Title", {}],
  ["meta.b.c,list.x", { meta: { b: { c: 2 } }, list: [{ x: 1 }, { x: 3 }] }],
  ["id,expand.author.name", { id, expand: { author: { name: "Anna" } } }],
  ["*,expand.author.name", { id, title, body, meta, list, expand: { author: { name: "Anna" } } }],
  ["body:excerpt(5)", { body: "Hello" }],
  ["id,body:excerpt(9, true)", { id, body: "Hello big..." }],
  ["body:excerpt(100,true)", { body: "Hello big world" }],
  ["expand.author.about:excerpt(5)", { expand: { author: { about: "about" } } }],
  ["", RECORD],
];

export function fieldTests(world: RecordsWorld): void {
  describe("fields", () => {
    it("choose what a subscription receives of a record, live and in the history", async () => {
      const keys = FIELDS.map(([fields]) => subscriptionKey("posts/*", { fields }));
      const client = await world.listen([...keys, "posts"]);
      const start = await world.cursor();
      await world.publish({ collection: "posts", action: "update", record: RECORD });
      const heard = new Map(await world.heard(client));
      for (const [index, [fields, record]] of FIELDS.entries()) {
        const event = { action: "update", record };
        const key = keys[index] ?? "";
        expect([fields, heard.get(key)]).toEqual([fields, event]);
        expect([fields, (await world.history(start, [key])).at(-1)]).toEqual([fields, event]);
      }
      expect(heard.get("posts")).toEqual({ action: "update", record: RECORD });
    });

    it("keep the order of the record's fields, and do not limit what the filter reads", async () => {
      const key = subscriptionKey("posts/*", { fields: "title,id", filter: "meta.b.c = 2" });
      const client = await world.listen([key]);
      await world.publish({ collection: "posts", action: "create", record: RECORD });
      const [event] = await client.receive(1);
      expect(event?.data).toBe('{"action":"create","record":{"id":"r1","title":"Title"}}');
    });
  });
}
