import { afterEach, describe, expect, it } from "vitest";
import { createDurableObjectRegistry } from "../../src/registry/durable-object/registry.ts";
import { eventually, within } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";
import { FakeSocket, fakeHub, upgraded } from "./fake-hub.ts";
import { closeHubs, openHubs } from "./hubs.ts";

afterEach(closeHubs);

/** Regression tests. */
describe("a client that was disconnected", () => {
  // The socket is in the object's list until the Worker has answered the close.
  it("is not restored by a hub that hibernated before the Worker answered the close", async () => {
    const hubs = openHubs();
    const [client, other] = [await hubs.connect(["chat"]), await hubs.connect(["chat"])];
    const { clientId } = client;
    // Without an await in between, so that the Worker can't answer.
    const [stats, sent, listed] = await hubs.inside(async (hub) => {
      const disconnecting = hub.disconnect(clientId);
      hub.evict();
      await disconnecting;
      return Promise.all([hub.stats(), hub.send(clientId, "note", 1), hub.clients({})]);
    });
    expect(stats).toMatchObject({ value: { clients: 1, subscriptions: 2 } });
    expect(sent).toMatchObject({ value: false });
    expect(listed).toMatchObject({ value: { clients: [{ clientId: other.clientId }] } });
    expect(await client.sink.ended()).toBe("admin");
    await eventually(async () => (await hubs.rows()).length === 1, "the client's row is removed");
  });
});

describe("a connection that is closed before it was attached", () => {
  // A socket can't be closed before it was accepted.
  it("is removed from its hub", async () => {
    const hubs = openHubs();
    const connection = await hubs.open(0);
    connection.close("client");
    const isForgotten = async () => (await hubs.registry.stats()).clients === 0;
    await eventually(isForgotten, "the client is removed", 2000);
    await eventually(
      async () => (await hubs.traces()) === 0,
      "the client's socket is closed",
      2000,
    );
  });

  it("by a registry that closes is removed from its hub", async () => {
    const hubs = openHubs();
    const stub = () => hubs.stub();
    const registry = createDurableObjectRegistry({ hub: stub, shards: 1 });
    await registry.open({});
    expect((await hubs.registry.stats()).clients).toBe(1);
    await within(registry.close(), 5000, "the registry closes");
    const isForgotten = async () => (await hubs.registry.stats()).clients === 0;
    await eventually(isForgotten, "the client is removed", 2000);
  });
});

describe("activity of a client", () => {
  // A socket that is not accepted yet, or is closing, throws when it sends.
  it("before the connection was attached does not throw", async () => {
    const hubs = openHubs();
    const connection = await hubs.open(0);
    expect(() => connection.updateActivity()).not.toThrow();
    const sink = new RecordingSink();
    await connection.attach(sink);
    expect(await hubs.registry.send(connection.clientId, "note", 1)).toBe(true);
    await sink.receive(1);
    expect(sink.closings).toEqual([]);
  });

  it("while the registry closes changes neither the reason nor the remaining frames", async () => {
    const hubs = openHubs();
    const { connection, sink } = await hubs.connect(["chat"]);
    await hubs.publish({ topic: "chat", data: 1 }, { topic: "chat", data: 2 });
    const closing = hubs.registry.close();
    expect(() => connection.updateActivity()).not.toThrow();
    await within(closing, 5000, "the registry closes");
    expect(sink.closings).toEqual(["shutdown"]);
    expect(sink.data()).toEqual([1, 2]);
    expect(sink.framesAfterClose).toBe(0);
  });
});

describe("a sink that was closed", () => {
  it("gets no frames that were in transit", async () => {
    const { connection, socket, sink } = await attach();
    socket.receive(new Uint8Array(1));
    connection.close("client");
    socket.receive(new Uint8Array(2));
    expect(sink.frames).toHaveLength(1);
    expect(sink.framesAfterClose).toBe(0);
  });

  it("as slow gets no further frames, although more are in transit", async () => {
    const { socket, sink } = await attach(new RecordingSink(1));
    for (let count = 0; count < 5; count++) socket.receive(new Uint8Array(1));
    expect(sink.closings).toEqual(["slow"]);
    expect(sink.framesAfterClose).toBe(0);
  });
});

describe("an identity", () => {
  it("of 1,024 characters is kept, for a client that connects with it or signs in", async () => {
    const hubs = openHubs();
    const identity = "ж".repeat(1024);
    const [came, signedIn] = [await hubs.connect([], { identity }), await hubs.connect()];
    await hubs.subscribe(signedIn, [], { identity });
    await hubs.evict();
    for (const { clientId } of [came, signedIn]) {
      expect((await hubs.find(clientId))?.identity).toBe(identity);
    }
  });

  // A socket without an attachment prevented the hub from waking.
  it("that is too long to be stored is refused at connect, and the hub still wakes for other clients", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["chat"]);
    for (const length of [1025, 20_000]) {
      const opening = hubs.open(0, { identity: "x".repeat(length) });
      await expect(opening).rejects.toMatchObject({ code: "invalid_input" });
    }
    await hubs.evict();
    await hubs.publish({ topic: "chat", data: 1 });
    await hubs.settle(client);
    expect(client.received()).toEqual([["chat", 1]]);
    expect((await hubs.registry.stats()).clients).toBe(1);
  });

  // The identity was kept in memory only, so after hibernation the client was a guest again that any identity could use.
  it("that is too long to be stored is refused for a guest who signs in, and nothing changes", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["a"]);
    const signIn = hubs.subscribe(client, ["b"], { identity: "x".repeat(20_000) });
    await expect(signIn).rejects.toMatchObject({ code: "invalid_input" });
    const unchanged = { identity: undefined, subscriptions: ["a", "fence"] };
    expect(await hubs.find(client.clientId)).toMatchObject(unchanged);
    await hubs.evict();
    expect(await hubs.find(client.clientId)).toMatchObject(unchanged);
  });
});

async function attach(sink = new RecordingSink()) {
  const socket = new FakeSocket();
  const hub = fakeHub({ fetch: async () => upgraded(socket) });
  const registry = createDurableObjectRegistry({ hub: () => hub, shards: 1 });
  const connection = await registry.open({});
  await connection.attach(sink);
  return { connection, socket, sink };
}
