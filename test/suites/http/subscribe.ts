import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { call, postJSON, publish, readStats, setSubscriptions } from "../../support/api.ts";
import { eventually } from "../../support/deadline.ts";
import { openRawStream } from "../../support/raw-client.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";
import { openStream, type SSEClient } from "../../support/sse-client.ts";

/** The table "Subscribe" of docs/protocol.md; cases of PocketBase apis/realtime_test.go, TestRealtimeSubscribe. */
export function subscribeSuite(runtime: RuntimeUnderTest): void {
  describe("POST /api/realtime", () => {
    let service: Service;
    let client: SSEClient;
    beforeAll(async () => {
      service = await startService(runtime);
      client = await openStream(service.url);
    });
    afterAll(async () => {
      client.close();
      await service.stop();
    });
    beforeEach(async () => {
      await setSubscriptions(service.url, client.clientId, []);
    });

    const post = (body: unknown) => postJSON(service.url, "/api/realtime", body);
    const subscriptions = async () => (await readStats(service.url)).subscriptions;
    const code = (code: string) => expect.objectContaining({ code, message: expect.any(String) });

    it("requires a client id, and reports no error of subscriptions without it", async () => {
      const answer = await post({});
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({
        status: 400,
        message: expect.stringContaining("clientId"),
        data: { clientId: { code: "validation_required", message: "Cannot be blank." } },
      });
      expect((await post({ clientId: "", subscriptions: [] })).body.data).toEqual({
        clientId: code("validation_required"),
      });
    });

    it("treats an empty body as an empty object", async () => {
      const answer = await call(service.url, "/api/realtime", { method: "POST" });
      expect(answer.status).toBe(400);
      expect(answer.body.data).toEqual({ clientId: code("validation_required") });
    });

    it("refuses a client id over 255 characters, and looks up one of 255", async () => {
      const tooLong = await post({ clientId: "x".repeat(256), subscriptions: [] });
      expect(tooLong.status).toBe(400);
      expect(tooLong.body.data).toEqual({ clientId: code("validation_length_too_long") });
      expect((await post({ clientId: "x".repeat(255), subscriptions: [] })).status).toBe(404);
    });

    it("refuses 1001 subscriptions and accepts exactly 1000", async () => {
      const keys = Array.from({ length: 1001 }, (_, index) => String(index));
      const answer = await post({ clientId: client.clientId, subscriptions: keys });
      expect(answer.status).toBe(400);
      expect(answer.body.data).toEqual({ subscriptions: code("validation_length_too_long") });
      expect(await subscriptions()).toBe(0);
      const taken = await post({ clientId: client.clientId, subscriptions: keys.slice(1) });
      expect(taken.status).toBe(204);
      expect(taken.body).toBe("");
      expect(await subscriptions()).toBe(1000);
    });

    it("refuses a subscription of 2501 characters by its index and accepts one of exactly 2500", async () => {
      const long = (length: number) => ["abc", "a".repeat(length)];
      const answer = await post({ clientId: client.clientId, subscriptions: long(2501) });
      expect(answer.status).toBe(400);
      expect(answer.body.data).toEqual({
        subscriptions: { 1: code("validation_length_too_long") },
      });
      const taken = await post({ clientId: client.clientId, subscriptions: long(2500) });
      expect(taken.status).toBe(204);
      expect(await subscriptions()).toBe(2);
    });

    it("names the fields with a wrong type", async () => {
      const answer = await post({ clientId: 5, subscriptions: ["a", 7] });
      expect(answer.status).toBe(400);
      expect(answer.body.data).toEqual({
        clientId: code("validation_invalid_type"),
        subscriptions: { 1: code("validation_invalid_type") },
      });
    });

    it("refuses a line break in a subscription, because it would become part of the stream", async () => {
      const answer = await post({ clientId: client.clientId, subscriptions: ["a", "b\ndata: x"] });
      expect(answer.status).toBe(400);
      expect(answer.body.data).toEqual({ subscriptions: { 1: code("validation_match_invalid") } });
    });

    it("answers 404 for an unknown client, after the validation of the fields", async () => {
      const answer = await post({ clientId: "missing", subscriptions: ["test1", "test2"] });
      expect(answer.status).toBe(404);
      expect(answer.body).toEqual({
        status: 404,
        message: "Missing or invalid client id.",
        data: {},
      });
      const shapeFirst = await post({ clientId: "missing", subscriptions: ["a".repeat(2501)] });
      expect(shapeFirst.status).toBe(400);
    });

    // Other systems answer only at 127.0.0.1 by default.
    const hasManyLoopbacks = process.platform === "linux" && runtime.isProxied === undefined;
    const title = "refuses a request from another address than the stream's";
    it.skipIf(!hasManyLoopbacks)(
      `${title} (127.0.0.2: Linux only, without a load balancer)`,
      async () => {
        const elsewhere = await openRawStream(service.url, { localAddress: "127.0.0.2" });
        const answer = await post({ clientId: elsewhere.clientId, subscriptions: ["a"] });
        expect(answer.status).toBe(400);
        expect(answer.body).toEqual({ status: 400, message: "Invalid realtime client.", data: {} });
        elsewhere.socket.destroy();
        await eventually(
          async () => (await readStats(service.url)).clients === 1,
          "the client is removed",
        );
      },
    );

    it("replaces the old set, ignores empty strings and repeats, and clears the set for an empty list", async () => {
      const { url } = service;
      await setSubscriptions(url, client.clientId, ["old", "kept"]);
      await setSubscriptions(url, client.clientId, ["kept", "", "new", "new"]);
      expect(await subscriptions()).toBe(2);
      await publish(url, [
        { topic: "old", data: 0 },
        { topic: "kept", data: 1 },
        { topic: "new", data: 2 },
      ]);
      const events = await client.receive(2);
      expect(events.map(({ event, data }) => [event, data])).toEqual([
        ["kept", "1"],
        ["new", "2"],
      ]);
      await setSubscriptions(url, client.clientId, []);
      expect(await readStats(url)).toMatchObject({ subscriptions: 0, topics: 0 });
      expect((await post({ clientId: client.clientId })).status).toBe(204);
    });

    it("accepts the SDK's own PB_CONNECT in the list", async () => {
      expect((await setSubscriptions(service.url, client.clientId, ["PB_CONNECT"])).status).toBe(
        204,
      );
    });

    it("accepts a form, urlencoded and multipart", async () => {
      const fields = (form: URLSearchParams | FormData) => {
        form.append("clientId", client.clientId);
        form.append("subscriptions", "a");
        form.append("subscriptions", "b");
        return form;
      };
      for (const body of [fields(new URLSearchParams()), fields(new FormData())]) {
        await setSubscriptions(service.url, client.clientId, []);
        const answer = await call(service.url, "/api/realtime", { method: "POST", body });
        expect(answer.status).toBe(204);
        expect(await subscriptions()).toBe(2);
      }
    });

    it("answers 400 for a malformed form", async () => {
      const answer = await call(service.url, "/api/realtime", {
        method: "POST",
        headers: { "Content-Type": "multipart/form-data; boundary=x" },
        body: "this is no form",
      });
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ status: 400, data: {} });
    });
  });
}
