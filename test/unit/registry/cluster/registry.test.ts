import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Principal } from "../../../../src/realtime/types.ts";
import { homeOf } from "../../../../src/registry/cluster/home.ts";
import { type Cluster, type ClusterProcess, openCluster } from "../../../support/memory-cluster.ts";
import { RecordingSink } from "../../../support/recording-sink.ts";

const UNREACHABLE = { code: "unreachable" };
const GONE = {
  code: "unknown_client",
  message: "The process of this client has ended. Open a new stream.",
};

let cluster: Cluster;
let a: ClusterProcess;
let b: ClusterProcess;
let c: ClusterProcess;
beforeEach(() => {
  cluster = openCluster();
  [a, b, c] = cluster.processes as [ClusterProcess, ClusterProcess, ClusterProcess];
});
afterEach(async () => {
  cluster.network.isAway = false;
  await cluster.close();
});

async function connect({ registry }: ClusterProcess, principal: Principal = {}) {
  const connection = await registry.open(principal);
  const sink = new RecordingSink();
  await connection.attach(sink);
  return { clientId: connection.clientId, sink };
}

const keysOf = async ({ registry }: ClusterProcess, clientId: string) =>
  (await registry.client(clientId))?.subscriptions;

describe("a client of another process", () => {
  it("has the name of its process in its id, and is reached with one call", async () => {
    const { clientId, sink } = await connect(a);
    expect(homeOf(clientId)).toBe(a.home);
    await b.registry.setSubscriptions(clientId, { subscriptions: ["news"] });
    expect(await c.registry.send(clientId, "note", { n: 1 })).toBe(true);
    expect(await b.registry.client(clientId)).toMatchObject({ subscriptions: ["news"] });
    expect(await c.registry.disconnect(clientId)).toBe(true);
    expect(sink.data("note")).toEqual([{ n: 1 }]);
    expect(sink.closings).toEqual(["admin"]);
    expect(a.bus.received).toEqual(["setSubscriptions", "send", "client", "disconnect"]);
    expect([...b.bus.received, ...c.bus.received]).toEqual([]);
  });

  it("receives data unchanged, and data that is no JSON is refused before it is sent", async () => {
    const { clientId, sink } = await connect(a);
    const values = ["text", '"', "", null, undefined, 0, [null], { deep: { date: new Date(0) } }];
    for (const data of values) expect(await b.registry.send(clientId, "note", data)).toBe(true);
    const local = await connect(b);
    for (const data of values) await b.registry.send(local.clientId, "note", data);
    const dataOf = (one: RecordingSink) => one.events.map(({ data }) => data);
    expect(dataOf(sink)).toEqual(dataOf(local.sink));
    for (const data of [() => 1, 1n, Number.NaN]) {
      await expect(b.registry.send(clientId, "note", data)).rejects.toMatchObject({
        code: "invalid_event",
      });
    }
    await expect(b.registry.send(clientId, "a\nb", 1)).rejects.toMatchObject({
      code: "invalid_event",
    });
  });

  it("gets the errors of its own process, with their details", async () => {
    const { clientId } = await connect(a);
    await expect(
      b.registry.setSubscriptions(clientId, { subscriptions: ['a?options={"filter":"("}'] }),
    ).rejects.toMatchObject({ code: "invalid_input" });
    await b.registry.setSubscriptions(clientId, { subscriptions: ["x"], identity: "anna" });
    await expect(
      c.registry.setSubscriptions(clientId, { subscriptions: ["y"], identity: "bert" }),
    ).rejects.toMatchObject({ code: "identity_changed" });
    expect(await keysOf(c, clientId)).toEqual(["x"]);
  });

  it("is unknown at once when its process has ended", async () => {
    const { clientId } = await connect(a);
    a.bus.fault = "killed";
    const request = { subscriptions: ["news"] };
    await expect(b.registry.setSubscriptions(clientId, request)).rejects.toMatchObject(GONE);
    expect(await b.registry.send(clientId, "note", 1)).toBe(false);
    expect(await b.registry.client(clientId)).toBeUndefined();
    expect(await b.registry.disconnect(clientId)).toBe(false);
    expect(await b.registry.revoke({ clientId })).toBe(0);
  });

  it("is unreachable while its process does not answer or the bus is away, but its own process reaches it", async () => {
    const { clientId, sink } = await connect(a);
    const calls = () => [
      b.registry.setSubscriptions(clientId, { subscriptions: ["news"] }),
      b.registry.send(clientId, "note", 1),
      b.registry.client(clientId),
      b.registry.disconnect(clientId),
      b.registry.revoke({ clientId }),
    ];
    const allFail = async () => {
      for (const result of await Promise.allSettled(calls())) {
        expect(result).toMatchObject({ status: "rejected", reason: UNREACHABLE });
      }
    };
    a.bus.fault = "silent";
    await allFail();
    a.bus.fault = undefined;
    cluster.network.isAway = true;
    await allFail();
    await a.registry.setSubscriptions(clientId, { subscriptions: ["news"] });
    expect(await a.registry.send(clientId, "note", 1)).toBe(true);
    expect(await keysOf(a, clientId)).toEqual(["news"]);
    expect(await a.registry.disconnect(clientId)).toBe(true);
    expect(sink.data()).toEqual([1]);
  });

  it("gets repeatable calls once more when their answer is lost, but no event and no end twice", async () => {
    const { clientId, sink } = await connect(a);
    a.bus.faults.push("answer lost");
    await b.registry.setSubscriptions(clientId, { subscriptions: ["news"] });
    a.bus.faults.push("answer lost");
    expect(await keysOf(b, clientId)).toEqual(["news"]);
    a.bus.faults.push("answer lost");
    await expect(b.registry.send(clientId, "note", 1)).rejects.toMatchObject(UNREACHABLE);
    expect(sink.data()).toEqual([1]);
    a.bus.faults.push("answer lost");
    await expect(b.registry.disconnect(clientId)).rejects.toMatchObject(UNREACHABLE);
    const calls = { setSubscriptions: 2, client: 2, send: 1, disconnect: 1 };
    for (const [method, count] of Object.entries(calls)) {
      expect([method, a.bus.received.filter((one) => one === method)]).toEqual([
        method,
        Array.from({ length: count }, () => method),
      ]);
    }
  });

  it("is not found by an id that no process has assigned, and no call is made for such an id", async () => {
    for (const clientId of ["", "x", "0-x", "0-k3v9.V1StGXR8_Z5jdHi6B-myT", `0-x.${a.home}`]) {
      expect(await b.registry.client(clientId)).toBeUndefined();
      expect(await b.registry.send(clientId, "note", 1)).toBe(false);
    }
    expect(a.bus.received).toEqual([]);
  });
});

describe("an unexpected error in the process of a client", () => {
  it("is logged there, and its text is not sent", async () => {
    const { clientId, sink } = await connect(a);
    sink.write = () => {
      throw new Error("a secret of the sink");
    };
    const error = await b.registry.send(clientId, "note", 1).catch((cause) => cause);
    expect(error).toMatchObject(UNREACHABLE);
    expect(error.message).not.toContain("secret");
    expect(a.logged).toContainEqual(
      expect.objectContaining({
        level: "error",
        method: "send",
        error: "Error: a secret of the sink",
      }),
    );
  });

  it("is the answer to a call that does not exist", async () => {
    for (const method of ["nonsense", "constructor", "__proto__"]) {
      expect(await b.bus.call(a.home, { method, args: [] })).toMatchObject(UNREACHABLE);
    }
  });
});

describe("two requests of a client on different processes", () => {
  it("take effect in the order of their arrival, whatever the clocks say", async () => {
    for (const behind of [-3_600_000, 3_600_000]) {
      let time = 1_000_000_000_000;
      const clocks = openCluster({
        nowOf: (index) => () => time + (index === 1 ? behind : 0),
      });
      const [home, other] = clocks.processes as [ClusterProcess, ClusterProcess];
      const { clientId } = await connect(home);
      const slow = { subscriptions: ["slow"], arrivedAt: time + behind };
      time += 100;
      await home.registry.setSubscriptions(clientId, { subscriptions: ["a"], arrivedAt: time });
      time += 100;
      await other.registry.setSubscriptions(clientId, slow);
      expect(await keysOf(home, clientId)).toEqual(["a"]);
      const fast = { subscriptions: ["b"], arrivedAt: time + behind };
      await other.registry.setSubscriptions(clientId, fast);
      expect(await keysOf(home, clientId)).toEqual(["b"]);
      await clocks.close();
    }
  });

  it("keep their exact order on one process, even if the older one travels longer", async () => {
    const times = [1_000_000_000_000, 2_000_000_000_000, 0];
    const clocks = openCluster({ nowOf: (index) => () => times[index] ?? 0 });
    const [home, other] = clocks.processes as [ClusterProcess, ClusterProcess];
    const { clientId } = await connect(home);
    const [start = 0] = times.slice(1);
    times[1] = start + 50;
    const newer = { subscriptions: ["newer"], arrivedAt: start + 1 };
    await other.registry.setSubscriptions(clientId, newer);
    times[0] = 1_000_000_000_010;
    await other.registry.setSubscriptions(clientId, { subscriptions: ["older"], arrivedAt: start });
    expect(await keysOf(home, clientId)).toEqual(["newer"]);
    await clocks.close();
  });

  it("keep their order when the older one is repeated because its answer is lost", async () => {
    let time = 1_000_000_000_000;
    const clocks = openCluster({ nowOf: () => () => time });
    const [home, other] = clocks.processes as [ClusterProcess, ClusterProcess];
    const { clientId } = await connect(home);
    const older = { subscriptions: ["older"], arrivedAt: time };
    const forward = other.bus.call.bind(other.bus);
    let attempts = 0;
    other.bus.call = async (to, call) => {
      attempts += 1;
      if (attempts > 1) return forward(to, call);
      // The first attempt never arrives. A newer request reaches the process of the client meanwhile.
      time += 1000;
      await home.registry.setSubscriptions(clientId, { subscriptions: ["newer"], arrivedAt: time });
      time += 1000;
      throw Object.assign(new Error("no answer"), { code: "unreachable" });
    };
    time += 10;
    await other.registry.setSubscriptions(clientId, older);
    expect(attempts).toBe(2);
    expect(await keysOf(home, clientId)).toEqual(["newer"]);
    await clocks.close();
  });
});

describe("revoking a subject", () => {
  const anna = { identity: "anna", issuedAt: 0 };

  it.each([
    ["announces it before the processes are asked", false],
    ["announces it afterwards", true],
  ])("counts each client once when the log %s", async (_, isLate) => {
    const clients = [await connect(a, anna), await connect(b, anna), await connect(b, anna)];
    await connect(c, { identity: "bert", issuedAt: 0 });
    cluster.log.holdsRevocations = isLate;
    expect(await c.registry.revoke({ subject: "anna" })).toBe(3);
    cluster.log.announce();
    for (const { sink } of clients) expect(sink.closings).toEqual(["revoked"]);
    expect((await c.registry.stats()).disconnects.revoked).toBe(3);
    for (const { registry } of [a, b, c]) {
      await expect(registry.open(anna)).rejects.toMatchObject({ code: "revoked" });
    }
  });

  it("holds in a process that does not answer, and the count is that of the others", async () => {
    await connect(a, anna);
    const silent = await connect(b, anna);
    b.bus.fault = "silent";
    expect(await c.registry.revoke({ subject: "anna" })).toBe(1);
    expect(silent.sink.closings).toEqual(["revoked"]);
    expect(c.logged).toContainEqual(
      expect.objectContaining({
        ...{ level: "warn", msg: "a process does not answer" },
        ...{ home: b.home, method: "applyRevocation" },
      }),
    );
  });

  it("holds when the other processes can't be listed", async () => {
    const { sink } = await connect(a, anna);
    await connect(c, anna);
    cluster.network.isAway = true;
    expect(await c.registry.revoke({ subject: "anna" })).toBe(1);
    expect(sink.closings).toEqual(["revoked"]);
    expect(c.logged).toMatchObject([{ level: "warn", msg: "a process does not answer" }]);
  });

  it("holds in a process that starts later", async () => {
    await a.registry.revoke({ subject: "anna" });
    const { registry } = cluster.start();
    await expect(registry.open(anna)).rejects.toMatchObject({ code: "revoked" });
    await registry.open({ ...anna, issuedAt: Date.now() + 1000 });
  });
});

describe("closing a process", () => {
  it("removes it from the living, so that no other process waits for it", async () => {
    const { sink } = await connect(a);
    await a.registry.close();
    expect(sink.closings).toEqual(["shutdown"]);
    expect((await b.registry.stats()).processes).toEqual({ living: 2, silent: [] });
  });

  it("ends its streams although the bus is away", async () => {
    const { sink } = await connect(a);
    cluster.network.isAway = true;
    await Promise.all([a.registry.close(), a.registry.close()]);
    expect(sink.closings).toEqual(["shutdown"]);
    expect(a.logged.filter(({ level }) => level === "warn")).toHaveLength(1);
  });
});
