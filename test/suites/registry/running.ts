import { afterEach, describe, expect, it } from "vitest";
import { LATENCY_BOUNDS } from "../../../src/realtime/latency.ts";
import { CLOSE_REASONS } from "../../../src/realtime/types.ts";
import { within } from "../../support/deadline.ts";
import { RecordingSink } from "../../support/recording-sink.ts";
import { type OpenRegistry, type RegistryFlags, RegistryOpener } from "./context.ts";

/** Operations for operators: list clients, disconnect them, read statistics, stop the server. */
export function runningTests(open: OpenRegistry, flags: RegistryFlags): void {
  const opener = new RegistryOpener(open);
  afterEach(() => opener.closeAll());

  describe("listing clients", () => {
    it("returns every client once, page by page, and no next on the last page", async () => {
      const test = await opener.open();
      const ids: string[] = [];
      for (let count = 0; count < 25; count += 1) ids.push((await test.connect()).clientId);
      for (const limit of [1, 5, 7, 24, 25, 26, 1000]) {
        const seen: string[] = [];
        let after: string | undefined;
        do {
          const page = await test.registry.clients({ limit, after });
          seen.push(...page.clients.map(({ clientId }) => clientId));
          expect(page.clients.length).toBeLessThanOrEqual(limit);
          expect(page.clients.length).toBeGreaterThan(0);
          after = page.next;
        } while (after !== undefined && seen.length < 100);
        expect(seen.toSorted(), `pages of ${limit}`).toEqual(ids.toSorted());
      }
    });

    it("returns 100 clients by default, and between 1 and 1,000 for any limit", async () => {
      const test = await opener.open();
      for (let count = 0; count < 101; count += 1) await test.connect();
      const page = await test.registry.clients();
      expect(page.clients).toHaveLength(100);
      expect((await test.registry.clients({ after: page.next })).clients).toHaveLength(1);
      for (const limit of [0, -5]) {
        expect((await test.registry.clients({ limit })).clients).toHaveLength(1);
      }
      const all = await test.registry.clients({ limit: 1_000_000 });
      expect(all.clients).toHaveLength(101);
      expect(all.next).toBeUndefined();
    });

    it("returns an empty page for an empty registry", async () => {
      const { registry } = await opener.open();
      expect(await registry.clients()).toEqual({ clients: [], next: undefined });
      expect(await registry.clients({ limit: 5, after: "0-nobody" })).toEqual({
        clients: [],
        next: undefined,
      });
    });

    it("returns copies that do not change later", async () => {
      const test = await opener.open();
      const client = await test.connect(["a"]);
      const before = await test.registry.clients();
      expect(structuredClone(before)).toEqual(before);
      await test.subscribe(client, ["b"]);
      expect(before.clients[0]?.subscriptions).toEqual(["a", "fence"]);
    });
  });

  describe("disconnecting a client", () => {
    it("returns true, closes the sink with `admin`, and removes the client", async () => {
      const test = await opener.open();
      const [client, other] = [await test.connect(["chat"]), await test.connect(["chat"])];
      expect(await test.registry.disconnect(client.clientId)).toBe(true);
      expect(await client.sink.ended()).toBe("admin");
      expect(await test.find(client.clientId)).toBeUndefined();
      await test.publish({ topic: "chat", data: 1 });
      await test.settle(other);
      expect(other.received()).toEqual([["chat", 1]]);
      expect(client.received()).toEqual([]);
      expect(client.sink.closings).toEqual(["admin"]);
      expect(client.sink.framesAfterClose).toBe(0);
    });

    it("returns false for a client that is unknown or has left", async () => {
      const test = await opener.open();
      const client = await test.connect();
      expect(await test.registry.disconnect(client.clientId)).toBe(true);
      for (const clientId of [client.clientId, "0-nobody", "", "99999-nobody"]) {
        expect(await test.registry.disconnect(clientId)).toBe(false);
      }
      expect((await test.registry.stats()).disconnects.admin).toBe(1);
    });
  });

  describe("stats", () => {
    it("are zero at first, and have the time since which they count", async () => {
      const before = Date.now();
      const { registry } = await opener.open();
      const { startedAt, ...counts } = await registry.stats();
      expect(counts).toEqual({
        clients: 0,
        subscriptions: 0,
        topics: 0,
        keyBudget: {
          ...{ used: 0, limit: expect.any(Number), refused: expect.any(Number) },
          ...{ characters: 0, charactersLimit: expect.any(Number) },
        },
        queuedBytes: 0,
        connects: 0,
        accepted: 0,
        history: { messages: 0, bytes: 0 },
        kept: { topics: 0, bytes: 0, evicted: 0 },
        publishLatency: { counts: LATENCY_BOUNDS.map(() => 0).concat(0), seconds: 0 },
        delivered: 0,
        replayed: 0,
        recovered: 0,
        unrecovered: 0,
        duplicate: 0,
        disconnects: Object.fromEntries(CLOSE_REASONS.map((reason) => [reason, 0])),
      });
      expect(new Date(startedAt).toISOString()).toBe(startedAt);
      expect(Date.parse(startedAt)).toBeGreaterThanOrEqual(before);
      expect(Date.parse(startedAt)).toBeLessThanOrEqual(Date.now());
      expect((await registry.stats()).startedAt).toBe(startedAt);
    });

    it("count clients, subscriptions, topics and deliveries", async () => {
      const test = await opener.open();
      const clients = [
        await test.connect(["a", "b"]),
        await test.connect(["a", "a/*"]),
        await test.connect([]),
      ];
      await test.publish({ topic: "a", data: 1 }, { topic: "a/b", data: 2 });
      await test.publish({ topic: "nobody", data: 3 });
      await test.settle(...clients);
      expect(await test.registry.stats()).toMatchObject({
        clients: 3,
        subscriptions: 7,
        // A topic counts once for each shard.
        topics: flags.topicsPerShard === undefined ? 4 : expect.any(Number),
        // Two of `a`, one of `a/b`, and a fence for each client.
        delivered: 6,
      });
    });

    it.skipIf(flags.severalLogs !== undefined)(
      "count accepted and duplicate messages",
      async () => {
        const test = await opener.open();
        await test.publish({ topic: "a", data: 1, id: "m1" }, { topic: "a", data: 2, id: "m2" });
        await test.publish({ topic: "a", data: 1, id: "m1" }, { topic: "a", data: 3, id: "m3" });
        expect(await test.registry.stats()).toMatchObject({ accepted: 3, duplicate: 1 });
      },
    );

    it("count disconnects by reason", async () => {
      const test = await opener.open();
      for (const reason of CLOSE_REASONS) {
        const client = await test.connect();
        client.connection.close(reason);
        expect(await client.sink.ended()).toBe(reason);
      }
      const { clientId } = await test.connect();
      await test.registry.disconnect(clientId);
      expect((await test.registry.stats()).disconnects).toEqual({
        ...Object.fromEntries(CLOSE_REASONS.map((reason) => [reason, 1])),
        admin: 2,
      });
    });
  });

  describe("closing the registry", () => {
    it("closes every sink once, with `shutdown`", async () => {
      const test = await opener.open();
      const clients = [];
      for (let count = 0; count < 10; count += 1) clients.push(await test.connect(["chat"]));
      await within(test.registry.close(), 5000, "the registry closes");
      for (const { sink } of clients) {
        expect(await sink.ended()).toBe("shutdown");
        expect(sink.closings).toEqual(["shutdown"]);
      }
    });

    it("writes all accepted messages to the sinks before it closes them", async () => {
      const test = await opener.open();
      const client = await test.connect(["chat"]);
      await test.publish({ topic: "chat", data: 1 }, { topic: "chat", data: 2 });
      await within(test.registry.close(), 5000, "the registry closes");
      await client.sink.ended();
      expect(client.sink.data("chat")).toEqual([1, 2]);
      expect(client.sink.framesAfterClose).toBe(0);
    });

    it("makes open and publish fail", async () => {
      const test = await opener.open();
      await within(test.registry.close(), 5000, "the registry closes");
      await expect(test.registry.open({})).rejects.toMatchObject({ code: "closed" });
      await expect(test.publish({ topic: "a", data: 1 })).rejects.toMatchObject({ code: "closed" });
      await expect(test.registry.publish([])).rejects.toMatchObject({ code: "closed" });
    });

    it("leaves no client that can be sent to, subscribed or disconnected", async () => {
      const test = await opener.open();
      const client = await test.connect(["chat"]);
      await within(test.registry.close(), 5000, "the registry closes");
      expect(await test.registry.send(client.clientId, "note", 1)).toBe(false);
      expect(await test.registry.disconnect(client.clientId)).toBe(false);
      await expect(test.subscribe(client, ["chat"])).rejects.toBeInstanceOf(Error);
    });

    it("closes the sink that is attached to an open connection later", async () => {
      const test = await opener.open();
      const connection = await test.registry.open({});
      await within(test.registry.close(), 5000, "the registry closes");
      const sink = new RecordingSink();
      await connection.attach(sink);
      expect(await sink.ended()).toBe("shutdown");
      expect(sink.closings).toEqual(["shutdown"]);
      connection.close("client");
      connection.updateActivity();
      expect(sink.closings).toEqual(["shutdown"]);
    });

    it("several times closes the sinks once", async () => {
      const test = await opener.open();
      const { sink } = await test.connect();
      const closing = Promise.all([test.registry.close(), test.registry.close()]);
      await within(closing, 5000, "the registry closes");
      await within(test.registry.close(), 5000, "the registry closes again");
      await sink.ended();
      expect(sink.closings).toEqual(["shutdown"]);
    });
  });
}
