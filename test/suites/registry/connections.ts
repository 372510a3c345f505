import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../../support/deadline.ts";
import { leftOut } from "../../support/flags.ts";
import { RecordingSink } from "../../support/recording-sink.ts";
import { type OpenRegistry, type RegistryFlags, RegistryOpener } from "./context.ts";

/** Opening, attaching and closing a connection. */
export function connectionTests(open: OpenRegistry, flags: RegistryFlags): void {
  const opener = new RegistryOpener(open);
  afterEach(() => opener.closeAll());

  describe("opening a connection", () => {
    it("creates a unique client id that begins with the shard", async () => {
      const { registry } = await opener.open();
      const ids: string[] = [];
      for (let count = 0; count < 200; count += 1) ids.push((await registry.open({})).clientId);
      expect(new Set(ids).size).toBe(200);
      for (const id of ids) expect(id).toMatch(/^\d+-[\w.-]{15,200}$/);
    });

    const title =
      "does not connect the client: it is not listed or counted, and can't subscribe or be sent to";
    const { connectedFromOpen } = flags;
    it.skipIf(connectedFromOpen !== undefined)(leftOut(title, connectedFromOpen), async () => {
      const { registry } = await opener.open();
      const { clientId } = await registry.open({ ip: "192.0.2.1" });
      expect(await registry.clients()).toEqual({ clients: [], next: undefined });
      expect((await registry.stats()).clients).toBe(0);
      expect(await registry.send(clientId, "hello", 1)).toBe(false);
      expect(await registry.disconnect(clientId)).toBe(false);
      const subscribing = registry.setSubscriptions(clientId, { subscriptions: ["chat"] });
      await expect(subscribing).rejects.toMatchObject({ code: "unknown_client" });
    });
  });

  describe("attaching a sink", () => {
    it("lists the client with its address, its identity and no subscriptions", async () => {
      const test = await opener.open();
      const before = Date.now();
      const connection = await test.registry.open({ ip: "192.0.2.1", identity: "anna" });
      await connection.attach(new RecordingSink());
      const client = await test.find(connection.clientId);
      expect(client).toMatchObject({ ip: "192.0.2.1", identity: "anna", subscriptions: [] });
      expect(client?.connectedAt).toBeGreaterThanOrEqual(before);
      expect(client?.connectedAt).toBeLessThanOrEqual(Date.now());
      expect(client?.lastActivityAt).toBe(client?.connectedAt);
      expect(client?.bufferedBytes).toBe(0);
    });

    it("writes nothing: the handshake is the caller's", async () => {
      const test = await opener.open();
      const client = await test.connect(["chat"]);
      await test.settle(client);
      expect(client.sink.frames).toHaveLength(1);
    });

    it("starts delivery", async () => {
      const test = await opener.open();
      const client = await test.connect(["chat"]);
      await test.publish({ topic: "chat", data: "hello" });
      await client.sink.receive(1);
      expect(client.received()).toEqual([["chat", "hello"]]);
    });

    it("lets updateActivity change the time of last activity", async () => {
      const test = await opener.open();
      const { clientId, connection } = await test.connect();
      const start = (await test.find(clientId))?.lastActivityAt ?? Number.NaN;
      const moved = await eventually(async () => {
        connection.updateActivity();
        const now = (await test.find(clientId))?.lastActivityAt;
        return now !== start && now;
      }, "lastActivityAt changes");
      expect(moved).toBeGreaterThan(start);
    });
  });

  describe("closing a connection", () => {
    it("closes the sink once with the reason, and removes the client", async () => {
      const test = await opener.open();
      const client = await test.connect(["chat"]);
      client.connection.close("client");
      expect(await client.sink.ended()).toBe("client");
      await eventually(
        async () => (await test.registry.stats()).clients === 0,
        "the client is removed",
      );
      expect(await test.find(client.clientId)).toBeUndefined();
      expect(await test.registry.send(client.clientId, "hello", 1)).toBe(false);
      expect(await test.registry.disconnect(client.clientId)).toBe(false);
      await expect(test.subscribe(client, ["chat"])).rejects.toMatchObject({
        code: "unknown_client",
      });
      expect(client.sink.closings).toEqual(["client"]);
    });

    it("twice closes the sink once, with the first reason", async () => {
      const test = await opener.open();
      const { connection, sink } = await test.connect(["chat"]);
      connection.close("stale");
      connection.close("client");
      expect(await sink.ended()).toBe("stale");
      await eventually(
        async () => (await test.registry.stats()).clients === 0,
        "the client is removed",
      );
      connection.close("error");
      const { disconnects } = await test.registry.stats();
      expect(disconnects).toMatchObject({ stale: 1, client: 0, error: 0 });
      expect(sink.closings).toEqual(["stale"]);
    });

    it("before a sink is attached closes the sink that is attached later, and registers nothing", async () => {
      const test = await opener.open();
      const connection = await test.registry.open({});
      const sink = new RecordingSink();
      connection.close("client");
      connection.close("error");
      await connection.attach(sink);
      expect(await sink.ended()).toBe("client");
      await eventually(
        async () => (await test.registry.stats()).clients === 0,
        "nothing stays registered",
      );
      expect(await test.registry.send(connection.clientId, "hello", 1)).toBe(false);
      expect(sink.closings).toEqual(["client"]);
      expect(sink.frames).toHaveLength(0);
    });

    it("without a sink changes nothing for other clients", async () => {
      const test = await opener.open();
      const other = await test.connect(["chat"]);
      const connection = await test.registry.open({});
      connection.close("client");
      connection.close("client");
      await test.publish({ topic: "chat", data: 1 });
      await test.settle(other);
      expect(other.received()).toEqual([["chat", 1]]);
    });

    it("leaves other clients connected, and they alone get later messages", async () => {
      const test = await opener.open();
      const [leaving, staying] = [await test.connect(["chat"]), await test.connect(["chat"])];
      await test.publish({ topic: "chat", data: 1 });
      await test.settle(leaving, staying);
      leaving.connection.close("client");
      await leaving.sink.ended();
      await eventually(
        async () => (await test.registry.stats()).clients === 1,
        "the client is removed",
      );
      await test.publish({ topic: "chat", data: 2 });
      await test.settle(staying);
      expect(staying.sink.data("chat")).toEqual([1, 2]);
      expect(leaving.sink.data("chat")).toEqual([1]);
      expect(leaving.sink.framesAfterClose).toBe(0);
    });

    it("removes the client's subscriptions from the counts", async () => {
      const test = await opener.open();
      const client = await test.connect(["a", "b", "b?options={}"]);
      expect(await test.registry.stats()).toMatchObject({ subscriptions: 4, topics: 3 });
      client.connection.close("client");
      await client.sink.ended();
      await eventually(
        async () => (await test.registry.stats()).clients === 0,
        "the client is removed",
      );
      expect(await test.registry.stats()).toMatchObject({ subscriptions: 0, topics: 0 });
    });
  });
}
