import { afterEach, describe, expect, it } from "vitest";
import type { ClientInfo, Principal } from "../../src/realtime/types.ts";
import { eventually } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";
import { closeHubs, type HubsUnderTest, openHubs } from "./hubs.ts";

afterEach(closeHubs);

describe("a hub that wakes", () => {
  it("restores its clients, each with its address, identity, keys in order, and time of connection", async () => {
    const hubs = openHubs();
    await hubs.connect(["b", "a", "posts/*"], { ip: "192.0.2.1", identity: "anna" });
    await hubs.connect(["a", "a?options=%7B%7D"], { ip: "192.0.2.2" });
    await hubs.connect([]);
    const empty = await hubs.open(0);
    await hubs.registry.setSubscriptions(empty.clientId, { subscriptions: [] });
    const [before, counted] = [await described(hubs), await hubs.registry.stats()];
    expect(before).toHaveLength(4);
    await hubs.evict();
    expect(await described(hubs)).toEqual(before);
    const { clients, subscriptions, topics } = counted;
    expect(await hubs.registry.stats()).toMatchObject({ clients, subscriptions, topics });
  });

  it("delivers every message to its clients, once and in order", async () => {
    const hubs = openHubs();
    const clients = [
      await hubs.connect(["chat"]),
      await hubs.connect(["*"]),
      await hubs.connect([]),
    ];
    for (let round = 0; round < 5; round++) {
      await hubs.publish(
        { topic: "chat", data: `${round} a` },
        { topic: "chat", data: `${round} b` },
      );
      await hubs.evict();
    }
    await hubs.settle(...clients);
    const all = [0, 1, 2, 3, 4].flatMap((round) => [`${round} a`, `${round} b`]);
    expect(clients[0]?.sink.data("chat")).toEqual(all);
    // "*" matches the fence as well.
    expect(clients[1]?.sink.data("*").slice(0, 10)).toEqual(all);
    expect(clients[2]?.received()).toEqual([]);
  });

  it("asks its clients to reconnect when it was evicted in the middle of a delivery", async () => {
    const hubs = openHubs();
    const before = await hubs.connect(["chat"]);
    await hubs.publish({ topic: "chat", data: 1 });
    await before.sink.receive(1);
    const lastEventId = before.sink.events[0]?.id;
    await hubs.publish({ topic: "chat", data: 2 });
    // The state after an eviction between two parts of a delivery.
    await hubs.inside((_, { storage }) =>
      storage.sql.exec("INSERT INTO unfinished_delivery (id) VALUES (1)"),
    );
    await hubs.evict();
    expect(await hubs.registry.stats()).toMatchObject({ clients: 0, subscriptions: 0 });
    await before.sink.ended("the client's stream ends");
    expect(before.sink.closings).toEqual(["lifetime"]);
    expect(await hubs.rows()).toEqual([]);
    const sink = new RecordingSink();
    const again = await hubs.open(0, { topics: ["chat"], lastEventId });
    await again.attach(sink);
    await eventually(() => sink.data("PB_RESUME").length === 1, "the client has resumed");
    expect(sink.data("chat")).toEqual([2]);
    await hubs.evict();
    expect(await hubs.registry.stats(), "only once").toMatchObject({ clients: 1 });
    again.close("client");
  });

  it("restores the last subscriptions of a client, and no earlier ones", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["old", "kept"]);
    await hubs.subscribe(client, ["kept", "new"]);
    await hubs.evict();
    await hubs.publish(...["old", "kept", "new"].map((topic) => ({ topic, data: topic })));
    await hubs.settle(client);
    expect(client.sink.data()).toEqual(["kept", "new", 1]);
    await hubs.registry.setSubscriptions(client.clientId, { subscriptions: [] });
    await hubs.evict();
    expect((await hubs.find(client.clientId))?.subscriptions).toEqual([]);
  });

  it("still refuses the subscriptions of an older request", async () => {
    const hubs = openHubs();
    const { clientId } = await hubs.connect();
    const subscribe = (key: string, arrivedAt: number) =>
      hubs.registry.setSubscriptions(clientId, { subscriptions: [key], arrivedAt });
    await subscribe("new", 20);
    await hubs.evict();
    await subscribe("old", 10);
    expect((await hubs.find(clientId))?.subscriptions).toEqual(["new"]);
    await hubs.evict();
    await subscribe("newest", 30);
    expect((await hubs.find(clientId))?.subscriptions).toEqual(["newest"]);
  });

  it("counts from zero again, with the time since which it counts", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["chat"]);
    await hubs.publish({ topic: "chat", data: 1, id: "m1" }, { topic: "chat", data: 1, id: "m1" });
    await hubs.settle(client);
    const before = await hubs.registry.stats();
    expect(before).toMatchObject({ accepted: 2, duplicate: 1, delivered: 2 });
    await eventually(() => Date.now() > Date.parse(before.startedAt), "the clock moves on");
    await hubs.evict();
    const after = await hubs.registry.stats();
    expect(Date.parse(after.startedAt)).toBeGreaterThan(Date.parse(before.startedAt));
    expect(after).toMatchObject({ accepted: 0, duplicate: 0, delivered: 0 });
  });

  it("counts a ping from before as its client's last activity", async () => {
    const hubs = openHubs();
    const { clientId, connection } = await hubs.connect();
    const start = (await hubs.find(clientId))?.lastActivityAt ?? Number.NaN;
    await eventually(() => Date.now() > start, "the clock moves on");
    connection.updateActivity();
    const probed = await eventually(async () => {
      const { lastActivityAt } = (await hubs.find(clientId)) ?? {};
      return lastActivityAt !== start && lastActivityAt;
    }, "the probe updates the client's last activity");
    await hubs.evict();
    expect((await hubs.find(clientId))?.lastActivityAt).toBeGreaterThanOrEqual(probed);
  });
});

describe("the identity of a client when the hub wakes", () => {
  const anna = { identity: "anna" };

  it("is kept, and another identity can't use the client", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["a"]);
    await hubs.subscribe(client, ["b"], anna);
    await hubs.evict();
    expect((await hubs.find(client.clientId))?.identity).toBe("anna");
    for (const peer of [{ identity: "bert" }, {}]) {
      const subscribing = hubs.subscribe(client, ["c"], peer);
      await expect(subscribing).rejects.toMatchObject({ code: "identity_changed" });
    }
    await hubs.subscribe(client, ["d"], anna);
    expect((await hubs.find(client.clientId))?.subscriptions).toEqual(["fence", "d"]);
  });

  it("is the identity at the connection", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["a"], anna);
    await hubs.evict();
    await expectRefused(hubs, client.clientId, { identity: "bert" }, "identity_changed");
    await hubs.subscribe(client, ["b"], anna);
  });

  it("is still that of a guest, who may then sign in", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["a"]);
    await hubs.evict();
    expect((await hubs.find(client.clientId))?.identity).toBeUndefined();
    await hubs.subscribe(client, ["a"], anna);
    await hubs.evict();
    await expectRefused(hubs, client.clientId, { identity: "bert" }, "identity_changed");
  });

  it("can be used only from the address of its stream", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["a"], { ip: "192.0.2.1" });
    await hubs.evict();
    for (const ip of ["192.0.2.2", undefined]) {
      await expectRefused(hubs, client.clientId, { ip }, "ip_mismatch");
    }
    await hubs.subscribe(client, ["b"], { ip: "192.0.2.1" });
    expect((await hubs.find(client.clientId))?.subscriptions).toContain("b");
  });
});

describe("a client's disconnect, handled by a hub that wakes", () => {
  it("during hibernation wakes the hub, which removes the client and its rows", async () => {
    const hubs = openHubs();
    const [leaving, staying] = [await hubs.connect(["chat"]), await hubs.connect(["chat"])];
    let woken = 0;
    await hubs.inside((hub) => {
      const { webSocketClose } = hub;
      hub.webSocketClose = (...all) => {
        woken += 1;
        hub.evict();
        return webSocketClose.apply(hub, all);
      };
    });
    leaving.connection.close("client");
    await eventually(async () => (await hubs.rows()).length === 1, "the client's row is removed");
    expect(woken).toBe(1);
    expect((await hubs.registry.stats()).clients).toBe(1);
    expect(await hubs.find(leaving.clientId)).toBeUndefined();
    expect(await hubs.registry.send(leaving.clientId, "note", 1)).toBe(false);
    await hubs.publish({ topic: "chat", data: 1 });
    await hubs.settle(staying);
    expect(staying.received()).toEqual([["chat", 1]]);
  });

  it("at the moment of an eviction is not missed", async () => {
    const hubs = openHubs();
    const clients = [];
    for (let count = 0; count < 10; count++) clients.push(await hubs.connect(["chat"]));
    for (const { connection } of clients) connection.close("client");
    await hubs.evict();
    await eventually(
      async () => (await hubs.registry.stats()).clients === 0,
      "all clients are removed",
    );
    await eventually(async () => (await hubs.traces()) === 0, "no row and no socket is left");
  });

  it("that the hub did not see leaves rows, and only these rows are removed", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["chat"]);
    await hubs.inside((_, { storage }) => {
      for (const part of [0, 1]) {
        const query =
          "INSERT INTO subscriptions (client_id, part, keys) VALUES ('0-gone', ?, '[]')";
        storage.sql.exec(query, part);
      }
    });
    expect(await hubs.rows()).toEqual(["0-gone", "0-gone", client.clientId].toSorted());
    await hubs.evict();
    expect(await hubs.rows()).toEqual([client.clientId]);
    expect((await hubs.find(client.clientId))?.subscriptions).toEqual(["chat", "fence"]);
    expect((await hubs.registry.stats()).clients).toBe(1);
  });
});

async function expectRefused(hubs: HubsUnderTest, clientId: string, peer: Principal, code: string) {
  const subscribing = hubs.registry.setSubscriptions(clientId, { ...peer, subscriptions: ["x"] });
  await expect(subscribing).rejects.toMatchObject({ code });
  expect((await hubs.find(clientId))?.subscriptions).not.toContain("x");
}

/** The hub's clients without `lastActivityAt`, because waking counts as activity. */
async function described(hubs: HubsUnderTest): Promise<Omit<ClientInfo, "lastActivityAt">[]> {
  const { clients } = await hubs.registry.clients();
  return clients.map(({ lastActivityAt, ...rest }) => rest);
}
