import { afterEach, describe, expect, it, vi } from "vitest";
import { RealtimeError } from "../../src/realtime/errors.ts";
import { createMessage } from "../../src/realtime/message.ts";
import {
  CONNECT_HEADER,
  fromHeader,
  type HubStub,
} from "../../src/registry/durable-object/protocol.ts";
import { createDurableObjectRegistry } from "../../src/registry/durable-object/registry.ts";
import type { ConnectRequest } from "../../src/registry/registry.ts";
import type { RpcResult } from "../../src/registry/rpc.ts";
import { RecordingSink } from "../support/recording-sink.ts";
import { FakeSocket, type Fault, fakeHub, unreliable, upgraded } from "./fake-hub.ts";
import { closeHubs, type HubsUnderTest, openHubs } from "./hubs.ts";

afterEach(async () => {
  vi.useRealTimers();
  await closeHubs();
});

const message = createMessage({ topic: "chat", data: 1, id: "m1" });

describe("a hub that fails once", () => {
  for (const fault of ["request lost", "answer lost"] as const) {
    it(`gets a second publish call, and delivers the message once: ${fault}`, async () => {
      const hubs = openHubs();
      const client = await hubs.connect(["chat"]);
      const { registry, asked } = over(hubs, [[fault]]);
      const [receipt] = await registry.publish([message]);
      expect(receipt).toEqual({ id: "m1", duplicate: fault === "answer lost" });
      expect(asked).toEqual([0, 0]);
      await hubs.settle(client);
      expect(client.received()).toEqual([["chat", 1]]);
    });
  }

  it("gets a second call of every idempotent operation", async () => {
    const hubs = openHubs();
    const { clientId } = await hubs.connect(["chat"]);
    for (const fault of ["request lost", "answer lost"] as const) {
      const faulty = () => over(hubs, [[fault]]).registry;
      await faulty().setSubscriptions(clientId, { subscriptions: [fault] });
      expect((await hubs.find(clientId))?.subscriptions).toEqual([fault]);
      expect((await faulty().clients()).clients).toHaveLength(1);
      expect((await faulty().stats()).clients).toBe(1);
    }
  });

  it("gets no second call of operations that must not run twice", async () => {
    const hubs = openHubs();
    const { clientId, sink } = await hubs.connect();
    const { registry, asked } = over(hubs, [["answer lost", "answer lost"]]);
    const sending = registry.send(clientId, "note", 1);
    await expect(sending).rejects.toMatchObject({ code: "unreachable" });
    await expect(registry.disconnect(clientId)).rejects.toMatchObject({ code: "unreachable" });
    expect(asked).toEqual([0, 0]);
    await sink.ended();
    expect(sink.data()).toEqual([1]);
    expect((await hubs.registry.stats()).disconnects.admin).toBe(1);
  });

  it("causes no second call to the other hubs", async () => {
    const hubs = openHubs(3);
    const { registry, asked } = over(hubs, [[], ["answer lost"], []]);
    await registry.publish([message]);
    expect(asked.toSorted()).toEqual([0, 1, 1, 2]);
    expect((await hubs.registry.stats()).accepted).toBe(1);
  });

  it("while a client connects causes a new client id, because the first may be in use", async () => {
    const hubs = openHubs();
    const { registry, asked } = over(hubs, [["answer lost"]]);
    const connection = await registry.open({});
    expect(asked).toEqual([0, 0]);
    const sink = new RecordingSink();
    await connection.attach(sink);
    expect(await registry.send(connection.clientId, "note", 1)).toBe(true);
    await sink.receive(1);
    await registry.close();
  });
});

describe("a hub that does not answer", () => {
  const lost = new Error("Network connection lost.");

  it("is called three times, with waits of 50 and 250 ms and a new stub each time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    const stubs: number[] = [];
    const publish = vi.fn<HubStub["publish"]>(() => Promise.reject(lost));
    const hub = (shard: number) => {
      stubs.push(shard);
      return fakeHub({ publish });
    };
    const publishing = createDurableObjectRegistry({ hub, shards: 1 }).publish([message]);
    const failed = expect(publishing).rejects.toMatchObject({ code: "unreachable", cause: lost });
    for (const [passed, tries] of [
      [0, 1],
      [49, 1],
      [1, 2],
      [249, 2],
      [1, 3],
    ] as const) {
      await vi.advanceTimersByTimeAsync(passed);
      expect(stubs).toHaveLength(tries);
    }
    await failed;
    expect(publish).toHaveBeenCalledTimes(3);
    expect(publish.mock.calls.map(([messages]) => messages)).toEqual(Array(3).fill([message]));
  });

  it("fails every call as unreachable, with the shard and without internal details", async () => {
    const fail = () => Promise.reject(new Error("secret detail"));
    const hub = fakeHub({
      ...{ fetch: fail, setSubscriptions: fail, publish: fail, send: fail, clients: fail },
      ...{ disconnect: fail, stats: fail },
    });
    const registry = createDurableObjectRegistry({ hub: () => hub, shards: 1, retryDelays: [0] });
    const calls = [
      registry.open({}),
      registry.setSubscriptions("0-x", { subscriptions: [] }),
      registry.publish([message]),
      registry.send("0-x", "note", 1),
      registry.clients(),
      registry.disconnect("0-x"),
      registry.stats(),
    ];
    for (const call of await Promise.allSettled(calls)) {
      const error: unknown = call.status === "rejected" && call.reason;
      expect(error).toBeInstanceOf(RealtimeError);
      expect(error).toMatchObject({ code: "unreachable" });
      expect(String(error)).toContain("Shard 0");
      expect(String(error)).not.toContain("secret");
    }
  });

  it("fails a publish that other shards accepted, and a retry is delivered once by each shard", async () => {
    const hubs = openHubs(2);
    const clients = [await connectOn(hubs, 0), await connectOn(hubs, 1)];
    const faults: Fault[] = ["request lost", "request lost", "request lost"];
    const { registry } = over(hubs, [[], faults]);
    await expect(registry.publish([message])).rejects.toMatchObject({ code: "unreachable" });
    await registry.publish([message]);
    for (const { sink, clientId } of clients) {
      await hubs.registry.send(clientId, "end", null);
      await sink.receive(2);
      expect(sink.events.map(({ event }) => event)).toEqual(["chat", "end"]);
    }
  });

  it("with an upgrade is unreachable when it returns any other response", async () => {
    const answer = { status: 500, headers: new Headers(), webSocket: null, json: async () => ({}) };
    const fetch = vi.fn(async () => answer);
    const hub = () => fakeHub({ fetch });
    const registry = createDurableObjectRegistry({ hub, shards: 1, retryDelays: [0, 0, 0] });
    const error = await registry.open({}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unreachable" });
    expect(String((error as Error).cause)).toContain("500");
    expect(fetch).toHaveBeenCalledTimes(4);
  });
});

describe("an error returned by a hub", () => {
  it("is thrown unchanged, with its fields, and without a second call", async () => {
    const fields = { 0: { code: "validation_invalid", message: "Wrong." } };
    const refused: RpcResult<never> = { ok: false, code: "invalid_input", message: "No.", fields };
    const publish = vi.fn(async () => refused);
    const hub = () => fakeHub({ publish });
    const registry = createDurableObjectRegistry({ hub, shards: 1 });
    const error = await registry.publish([message]).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RealtimeError);
    expect(error).toMatchObject({ code: "invalid_input", message: "No.", fields });
    expect(publish).toHaveBeenCalledTimes(1);
  });
});

describe("opening a connection", () => {
  it("sends the client's address and identity to the hub, and uses every shard", async () => {
    const seen: unknown[] = [];
    const hub = (shard: number) =>
      fakeHub({
        fetch: async (_, { headers }) => {
          const request = fromHeader<ConnectRequest>(headers[CONNECT_HEADER] ?? "");
          seen.push({ shard, ...request, upgrade: headers.Upgrade });
          return upgraded(new FakeSocket(), `${shard}-somebody`);
        },
      });
    const registry = createDurableObjectRegistry({ hub, shards: 3 });
    const shards = new Set<string | undefined>();
    for (let count = 0; count < 200; count++) {
      const { clientId } = await registry.open({ ip: "192.0.2.1", identity: "änna" });
      const [shard] = clientId.split("-");
      shards.add(shard);
      const request = { shard: Number(shard), ip: "192.0.2.1", identity: "änna" };
      expect(seen.at(-1)).toEqual({ ...request, upgrade: "websocket" });
    }
    expect([...shards].toSorted()).toEqual(["0", "1", "2"]);
  });
});

/** A second registry over the same hubs. The next calls to each hub fail as given. */
function over(hubs: HubsUnderTest, faults: Fault[][]) {
  const asked: number[] = [];
  const hub = (shard: number) => {
    asked.push(shard);
    return unreliable(hubs.stub(shard), faults[shard] ?? []);
  };
  const { shards } = hubs;
  return { registry: createDurableObjectRegistry({ hub, shards, retryDelays: [0, 0] }), asked };
}

async function connectOn(hubs: HubsUnderTest, shard: number) {
  const connection = await hubs.open(shard);
  const sink = new RecordingSink();
  await connection.attach(sink);
  await hubs.registry.setSubscriptions(connection.clientId, { subscriptions: ["chat"] });
  return { clientId: connection.clientId, sink };
}

it("a connection has the number of clients of its hub, which all lose the hub together", async () => {
  const hubs = openHubs();
  const counts = [];
  for (let n = 0; n < 3; n++) {
    const connection = await hubs.registry.open({ ip: "192.0.2.1" });
    await connection.attach(new RecordingSink());
    counts.push(connection.shardClients);
  }
  expect(counts).toEqual([1, 2, 3]);
});
