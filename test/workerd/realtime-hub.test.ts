import { env } from "cloudflare:test";
import { afterEach, describe, expect, it } from "vitest";
import { parseCursor } from "../../src/realtime/cursor.ts";
import { formatSSEMessage } from "../../src/realtime/sse.ts";
import type { StreamIdentity } from "../../src/registry/connect.ts";
import {
  CONNECT_HEADER,
  fromHeader,
  type HubStub,
  toHeader,
} from "../../src/registry/durable-object/protocol.ts";
import { createDurableObjectRegistry } from "../../src/registry/durable-object/registry.ts";
import { RegistryUnderTest } from "../suites/registry/context.ts";
import { eventually } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";
import { closeHubs, openHubs } from "./hubs.ts";
import type { TestEnv } from "./worker.ts";

afterEach(closeHubs);

describe("a hub's fetch", () => {
  it("answers 426 without an upgrade, and to an upgrade without a client's identity", async () => {
    const hubs = openHubs();
    const identity = toHeader({ ip: "192.0.2.1" });
    const upgrade = { Upgrade: "websocket" };
    for (const headers of [
      {},
      { [CONNECT_HEADER]: identity },
      upgrade,
      { [CONNECT_HEADER]: identity, Upgrade: "h2c" },
    ]) {
      const response = await hubs.hub().fetch("https://hub/", { headers });
      expect(response.status).toBe(426);
      expect(response.webSocket).toBeNull();
      expect(await response.text()).toContain("WebSocket");
    }
    expect((await hubs.registry.stats()).clients).toBe(0);
    expect(await hubs.traces()).toBe(0);
  });

  it("accepts any characters in an address and an identity", async () => {
    const hubs = openHubs();
    const peer = { ip: "2001:db8::1%eth0", identity: 'änna "\r\n\u0000% 😀' };
    const { clientId } = await hubs.connect(["a"], peer);
    await hubs.evict();
    expect(await hubs.find(clientId)).toMatchObject(peer);
  });
});

describe("a hub's frames", () => {
  it("arrive in order, in one message for each call, with the exact bytes for the client, and the same for all clients", async () => {
    const hubs = openHubs();
    const clients = [await hubs.connect(["chat"]), await hubs.connect(["chat"])];
    const texts = ["plain", "a\nb\r\nc", "ünï😀", "", "x".repeat(100_000)];
    await hubs.publish(...texts.map((data) => ({ topic: "chat", data })));
    for (const { sink } of clients) {
      const events = await sink.receive(texts.length);
      const expected = texts.map((text, index) => {
        const { id = "" } = events[index] ?? {};
        return formatSSEMessage({ event: "chat", data: JSON.stringify(text), id });
      });
      const messages = sink.frames.map((frame) => new TextDecoder().decode(frame));
      expect(messages).toEqual([expected.join("")]);
    }
    expect(clients[0]?.sink.frames).toEqual(clients[1]?.sink.frames);
  });

  it("that arrive before a sink is attached wait, and are then written in order", async () => {
    const hubs = openHubs();
    const connection = await hubs.open(0);
    await hubs.registry.setSubscriptions(connection.clientId, { subscriptions: ["chat"] });
    for (const data of [1, 2, 3]) await hubs.publish({ topic: "chat", data });
    await hubs.evict();
    await hubs.publish({ topic: "chat", data: 4 });
    const sink = new RecordingSink();
    await connection.attach(sink);
    await sink.receive(4);
    expect(sink.data()).toEqual([1, 2, 3, 4]);
  });

  it("name their shard in the cursor, and every shard has its own sequence", async () => {
    const hubs = openHubs(3);
    for (const shard of [0, 1, 2]) {
      const connection = await hubs.open(shard);
      expect(connection.clientId).toMatch(new RegExp(`^${shard}-`));
      const sink = new RecordingSink();
      await connection.attach(sink);
      const { clientId } = connection;
      await hubs.registry.setSubscriptions(clientId, { subscriptions: ["chat"] });
      await hubs.publish({ topic: "chat", data: shard });
      await hubs.evict(shard);
      await hubs.registry.send(clientId, "note", 1);
      const events = await sink.receive(2);
      const cursors = events.map(({ id = "" }) => parseCursor(id));
      expect(cursors).toMatchObject([
        { shard, sequence: shard + 1 },
        { shard, sequence: shard + 1 },
      ]);
    }
  });

  it("name shard 0 when the hub's name has no number", async () => {
    const { REALTIME_HUB } = env as unknown as TestEnv;
    const id = REALTIME_HUB.newUniqueId();
    const hub = () => REALTIME_HUB.get(id) as unknown as HubStub;
    const test = new RegistryUnderTest(createDurableObjectRegistry({ hub, shards: 1 }));
    const client = await test.connect(["chat"]);
    await test.settle(client);
    expect(client.sink.events[0]?.id).toMatch(/^0-\w+-1$/);
    await test.registry.close();
  });
});

describe("a message that is too large for a row", () => {
  const tooLarge = { topic: "chat", data: "x".repeat(1_900_000) };

  it("is refused with the rest of its batch, and the hub continues to work", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["chat"]);
    const { startedAt } = await hubs.registry.stats();
    const publishing = hubs.publish({ topic: "chat", data: "before", id: "m1" }, tooLarge);
    await expect(publishing).rejects.toMatchObject({ code: "invalid_input" });
    const receipts = await hubs.publish({ topic: "chat", data: "after", id: "m1" });
    expect(receipts).toEqual([{ id: "m1", duplicate: false }]);
    await hubs.settle(client);
    expect(client.received()).toEqual([["chat", "after"]]);
    expect(await hubs.registry.stats()).toMatchObject({ startedAt, accepted: 2, clients: 1 });
    expect(client.sink.events[0]?.id).toMatch(/-1$/);
  });

  it("is refused by every shard", async () => {
    const hubs = openHubs(3);
    await expect(hubs.publish(tooLarge)).rejects.toMatchObject({ code: "invalid_input" });
    expect((await hubs.registry.stats()).accepted).toBe(0);
  });

  it("is delivered completely when it just fits", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["chat"]);
    const data = "x".repeat(1_899_000);
    await hubs.publish({ topic: "chat", data });
    await hubs.settle(client);
    expect(client.received().map(([, text]) => String(text).length)).toEqual([data.length]);
  });
});

describe("a socket that ends", () => {
  it("leaves no row, and is counted by the Worker's reason, or as the client's disconnect without a reason", async () => {
    const hubs = openHubs();
    const identity = toHeader({ ip: "192.0.2.1" });
    const headers = { Upgrade: "websocket", [CONNECT_HEADER]: identity };
    for (const reason of ["slow", "stale", "", "Going away"]) {
      const answer = await hubs.stub().fetch("https://hub/", { headers });
      const { webSocket } = answer;
      webSocket?.accept();
      const { clientId } = fromHeader<StreamIdentity>(answer.headers.get(CONNECT_HEADER) ?? "");
      await hubs.registry.setSubscriptions(clientId, { ip: "192.0.2.1", subscriptions: ["chat"] });
      webSocket?.close(1000, reason);
      await eventually(
        async () => (await hubs.traces()) === 0,
        `the socket that ended "${reason}"`,
      );
    }
    const { clients, disconnects } = await hubs.registry.stats();
    expect(clients).toBe(0);
    expect(disconnects).toMatchObject({ slow: 1, stale: 1, client: 2, error: 0 });
  });
});
