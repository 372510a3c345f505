import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY, postJSON, publish, readStats, setSubscriptions } from "../../support/api.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";
import { openStream, type SSEClient } from "../../support/sse-client.ts";

export function publishSuite(runtime: RuntimeUnderTest): void {
  describe("POST /api/realtime/messages", () => {
    let service: Service;
    let client: SSEClient;
    beforeAll(async () => {
      service = await startService(runtime, {
        env: { REALTIME_MAX_MESSAGE_BYTES: "1048576" },
      });
      client = await openStream(service.url);
    });
    afterAll(async () => {
      client.close();
      await service.stop();
    });

    const code = (code: string) => expect.objectContaining({ code, message: expect.any(String) });
    const faults = async (message: unknown) => {
      const { accepted } = await readStats(service.url);
      const answer = await publish(service.url, message);
      expect(answer.status).toBe(400);
      expect(answer.body.status).toBe(400);
      expect((await readStats(service.url)).accepted).toBe(accepted);
      return answer.body.data as unknown;
    };

    it("requires the admin key", async () => {
      const message = { topic: "a", data: 1 };
      const headers: Record<string, string>[] = [
        {},
        { Authorization: "" },
        { Authorization: "Bearer" },
        { Authorization: "Bearer " },
        { Authorization: `Basic ${ADMIN_KEY}` },
        { Authorization: `Bearer ${ADMIN_KEY}x` },
        { Authorization: `Bearer ${ADMIN_KEY.slice(1)}` },
      ];
      for (const header of headers) {
        const answer = await postJSON(service.url, "/api/realtime/messages", message, header);
        expect([header, answer.status]).toEqual([header, 401]);
        expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
        expect(answer.body).toEqual({ status: 401, message: expect.any(String), data: {} });
      }
      expect((await readStats(service.url)).accepted).toBe(0);
      expect((await publish(service.url, message)).status).toBe(200);
      const bare = { Authorization: ADMIN_KEY };
      const answer = await postJSON(service.url, "/api/realtime/messages", message, bare);
      expect(answer.status).toBe(200);
    });

    it("answers one message with its id, a batch with a list of ids in order", async () => {
      const one = await publish(service.url, { topic: "a", data: null });
      expect(one.status).toBe(200);
      expect(one.body).toEqual({ id: expect.stringMatching(/^[\w-]{21}$/) });
      const batch = await publish(service.url, [
        { topic: "a", data: 1, id: "first" },
        { collection: "posts", action: "create", record: { id: "r" }, id: "second" },
        { topic: "a", data: 2 },
      ]);
      expect(batch.body).toEqual([{ id: "first" }, { id: "second" }, { id: expect.any(String) }]);
      expect((await publish(service.url, [])).body).toEqual([]);
    });

    it("returns a known id again and delivers nothing", async () => {
      await setSubscriptions(service.url, client.clientId, ["twice"]);
      const before = await readStats(service.url);
      const message = { topic: "twice", data: "once", id: "idempotence-key" };
      const { id } = message;
      expect((await publish(service.url, message)).body).toEqual({ id });
      for (let i = 0; i < 3; i++) {
        expect((await publish(service.url, message)).body).toEqual({ id, duplicate: true });
      }
      expect((await publish(service.url, [message])).body).toEqual([{ id, duplicate: true }]);
      await publish(service.url, { topic: "twice", data: "sentinel" });
      const events = await client.receive(2);
      expect(events.map(({ data }) => data)).toEqual(['"once"', '"sentinel"']);
      const after = await readStats(service.url);
      expect(after.duplicate - before.duplicate).toBe(4);
      expect(after.accepted - before.accepted).toBe(2);
      expect(after.delivered - before.delivered).toBe(2);
    });

    it("refuses a known id with other content, and a whole batch that contains one", async () => {
      const message = { topic: "reused", data: "first", id: "reused-id" };
      expect((await publish(service.url, message)).status).toBe(200);
      const before = await readStats(service.url);
      const others = [{ data: "other" }, { topic: "other" }, { private: true }];
      for (const other of others.map((change) => ({ ...message, ...change }))) {
        const alone = await publish(service.url, other);
        expect(alone.status).toBe(409);
        expect(alone.body.data).toEqual({
          id: { code: "validation_id_reused", message: alone.body.message },
        });
        const batch = await publish(service.url, [{ topic: "reused", data: 1 }, other]);
        expect(batch.status).toBe(400);
        expect(batch.body.data[1].id.code).toBe("validation_id_reused");
      }
      expect((await readStats(service.url)).accepted).toBe(before.accepted);
    });

    it("refuses a batch with the same id twice, whatever the content", async () => {
      const one = { topic: "pair", data: 1, id: "pair-id" };
      for (const batch of [
        [one, one],
        [one, { ...one, data: 2 }],
      ]) {
        const answer = await publish(service.url, batch);
        expect(answer.status).toBe(400);
        expect(answer.body.data[1].id.message).toContain("Message 0");
      }
      expect((await publish(service.url, one)).body).toEqual({ id: "pair-id" });
    });

    it("names the invalid field of a message", async () => {
      expect(await faults({})).toEqual({
        topic: code("validation_required"),
        data: code("validation_match_invalid"),
      });
      expect(await faults({ topic: "", data: 1 })).toEqual({ topic: code("validation_required") });
      expect(await faults({ topic: "a" })).toEqual({ data: code("validation_match_invalid") });
      expect(await faults({ topic: "a".repeat(2501), data: 1 })).toEqual({
        topic: code("validation_length_too_long"),
      });
      for (const topic of ["a\nb", "a\rb", "a\0b", "PB_CONNECT"]) {
        expect(await faults({ topic, data: 1 })).toEqual({
          topic: code("validation_match_invalid"),
        });
      }
      expect(await faults({ topic: "a", data: 1, id: "" })).toEqual({
        id: code("validation_required"),
      });
      expect(await faults({ topic: "a", data: 1, id: "x".repeat(256) })).toEqual({
        id: code("validation_length_too_long"),
      });
      expect(await faults({ topic: "a", data: 1, private: "yes" })).toEqual({
        private: code("validation_invalid_type"),
      });
      expect(await faults({ topic: "a", data: 1, collection: "b" })).toEqual({
        topic: code("validation_match_invalid"),
      });
    });

    it("names the invalid field of a record event", async () => {
      expect(await faults({ collection: "posts" })).toEqual({
        action: code("validation_in_invalid"),
        record: code("validation_required"),
      });
      expect(await faults({ collection: "posts", action: "upsert", record: { id: "1" } })).toEqual({
        action: code("validation_in_invalid"),
      });
      expect(await faults({ collection: "posts", action: "create", record: { id: 1 } })).toEqual({
        record: { id: code("validation_invalid_type") },
      });
    });

    it("refuses reserved names and line breaks in a record event, too", async () => {
      const event = { collection: "posts", action: "create", record: { id: "1" } };
      const wrong = code("validation_match_invalid");
      expect(await faults({ ...event, collection: "PB_CONNECT" })).toEqual({ collection: wrong });
      expect(await faults({ ...event, collection: "a\r\nb" })).toEqual({ collection: wrong });
      expect(await faults({ ...event, record: { id: "1\n" } })).toEqual({ record: { id: wrong } });
      await setSubscriptions(service.url, client.clientId, ["PB_CONNECT", "own"]);
      const { length } = client.events;
      const record = { id: "1", collectionName: "PB_CONNECT", collectionId: "PB_RESUME" };
      await publish(service.url, [
        { ...event, record },
        { topic: "own", data: 1 },
      ]);
      const events = await client.receive(length + 1);
      expect(events.slice(length).map((received) => received.event)).toEqual(["own"]);
    });

    it("refuses JSON that is not a message", async () => {
      for (const body of ["null", "5", '"text"', "true"]) {
        expect(await faults(body)).toEqual({
          body: expect.objectContaining({ code: expect.any(String) }),
        });
      }
    });

    it("accepts a batch completely or not at all, and names the faults by index", async () => {
      const batch = [{ topic: "a", data: 1 }, { topic: "", data: 1 }, { data: 1 }];
      expect(await faults(batch)).toEqual({
        1: { topic: code("validation_required") },
        2: { topic: code("validation_required") },
      });
    });

    it("accepts a batch of exactly 1000 and refuses 1001", async () => {
      const batch = Array.from({ length: 1001 }, (_, data) => ({ topic: "bulk", data }));
      expect(await faults(batch)).toEqual({ messages: code("validation_length_too_long") });
      const answer = await publish(service.url, batch.slice(1));
      expect(answer.status).toBe(200);
      expect(answer.body).toHaveLength(1000);
    });

    it("refuses data that is nested too deeply to be written, and stays healthy", async () => {
      const depth = 200_000;
      const nested = `{"topic":"a","data":${"[".repeat(depth)}${"]".repeat(depth)}}`;
      expect([200, 400]).toContain((await publish(service.url, nested)).status);
      expect((await publish(service.url, { topic: "a", data: 1 })).status).toBe(200);
    });

    it("keeps a private message from guests", async () => {
      await setSubscriptions(service.url, client.clientId, ["secret"]);
      const { length } = client.events;
      await publish(service.url, { topic: "secret", data: "hidden", private: true });
      await publish(service.url, { topic: "secret", data: "shown" });
      const events = await client.receive(length + 1);
      expect(events.slice(length).map(({ data }) => data)).toEqual(['"shown"']);
    });
  });

  describe("without an admin key", () => {
    it("publishing and stats are closed, and the error names the option that opens them", async () => {
      // Without NODE_ENV=production, a process makes a key of its own.
      const env = { REALTIME_ADMIN_KEY: undefined, NODE_ENV: "production" };
      const service = await startService(runtime, { env });
      for (const key of ["", "undefined", ADMIN_KEY]) {
        const answer = await publish(service.url, { topic: "a", data: 1 }, key);
        expect(answer.status).toBe(403);
        expect(answer.body.message).toContain("adminKey");
      }
      const client = await openStream(service.url);
      expect((await setSubscriptions(service.url, client.clientId, ["a"])).status).toBe(204);
      client.close();
      await service.stop();
    });
  });
}
