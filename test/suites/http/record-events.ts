import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { call, publish, readStats } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";

/** Record events with a description of their collection and the previous record. */
export function recordEventsSuite(runtime: RuntimeUnderTest): void {
  describe("a record event with a described collection", () => {
    let service: Service;
    beforeAll(async () => {
      service = await startService(runtime, { env: { REALTIME_MAX_MESSAGE_BYTES: "1000" } });
    });
    afterEach(closeClients);
    afterAll(() => service.stop());

    const collection = {
      id: "pbc_7",
      name: "users",
      type: "auth",
      fields: { tags: "select[]", data: "json" },
      hidden: ["secret"],
    };
    const record = { id: "r1", tags: ["a"], expand: { author: { id: "u1" } } };
    const previous = { id: "r1", tags: [], marker: "before" };
    const event = { collection, action: "update", record, previous };

    it("reaches subscribers of the collection's name and id, with the action and record alone", async () => {
      const keys = ["users/*", "users/r1", "users", "pbc_7/*", "pbc_7/r1", "pbc_7"];
      const query = `?${keys.map((key) => `topic=${key}`).join("&")}&topic=end`;
      const client = await openStream(service.url, {}, query);
      expect((await publish(service.url, [event, { topic: "end", data: 1 }])).status).toBe(200);
      const events = await client.receive(keys.length + 1);
      const delivered = events.filter((one) => one.event !== "end");
      expect(delivered.map((one) => one.event).toSorted()).toEqual(keys.toSorted());
      for (const { data } of delivered) {
        expect(JSON.parse(data ?? "")).toEqual({ action: "update", record });
      }
    });

    it("is in the history without the collection and the previous record", async () => {
      await publish(service.url, event);
      const answer = await call(service.url, "/api/realtime/messages?topic=users/r1&limit=1");
      expect(answer.status).toBe(200);
      const [message] = answer.body.messages;
      expect(message).toEqual({
        cursor: expect.any(String),
        at: expect.any(String),
        id: expect.any(String),
        topics: ["users/r1", "users", "pbc_7/r1", "pbc_7"],
        data: { action: "update", record },
      });
    });

    it("is refused with the path of the wrong field", async () => {
      const wrong: [change: object, path: string][] = [
        [{ collection: { ...collection, fields: { tags: "tags" } } }, "collection.fields.tags"],
        [{ collection: { ...collection, hiden: [] } }, "collection.hiden"],
        [{ collection: { ...collection, hidden: [5] } }, "collection.hidden.0"],
        [{ collection: { id: "pbc_7" } }, "collection.name"],
        [{ collection: { ...collection, id: "PB_CONNECT" } }, "collection.id"],
        [{ collection: [collection] }, "collection"],
        [{ previous: { id: "r2" } }, "previous.id"],
        [{ action: "create" }, "previous"],
      ];
      const { accepted } = await readStats(service.url);
      for (const [change, path] of wrong) {
        const { status, body } = await publish(service.url, { ...event, ...change });
        expect([path, status]).toEqual([path, 400]);
        expect(body.message).toContain(` ${path}: `);
        const batch = await publish(service.url, [
          { topic: "a", data: 1 },
          { ...event, ...change },
        ]);
        expect(batch.body.message).toContain(` 1.${path}: `);
      }
      const text = '{"action":"create","record":{"id":"1"},"collection":{"name":"a","fields":';
      const inherited = await publish(service.url, `${text}{"__proto__":"tags","toString":1}}}`);
      expect(inherited.status).toBe(400);
      expect(inherited.body.message).toContain("collection.fields.__proto__: Must be one of");
      expect((await readStats(service.url)).accepted).toBe(accepted);
      const known = await publish(service.url, `${text}{"__proto__":"json","toString":"json"}}}`);
      expect(known.status).toBe(200);
    });

    it("is 413 if record, collection and previous record are too large together", async () => {
      const text = "x".repeat(500);
      const large = { record: { id: "r1", text }, previous: { id: "r1", text } };
      const answer = await publish(service.url, { ...event, ...large });
      expect(answer.status).toBe(413);
      expect(answer.body.message).toContain("previous record");
      for (const [name, one] of Object.entries(large)) {
        expect((await publish(service.url, { ...event, [name]: one })).status).toBe(200);
      }
    });

    it("is a repeat only with the same collection and previous record", async () => {
      const first = { ...event, id: "same" };
      await publish(service.url, first);
      expect((await publish(service.url, first)).body).toEqual({ id: "same", duplicate: true });
      const { previous: _, ...without } = first;
      const others = [without, { ...first, collection: { ...collection, hidden: [] } }];
      for (const other of others) {
        const answer = await publish(service.url, other);
        expect([answer.status, answer.body.data.id?.code]).toEqual([409, "validation_id_reused"]);
      }
    });
  });
}
