import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessage } from "../../../../src/realtime/message.ts";
import type { ClientRegistry } from "../../../../src/registry/registry.ts";
import { type Cluster, type ClusterProcess, openCluster } from "../../../support/memory-cluster.ts";
import { RecordingSink } from "../../../support/recording-sink.ts";

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

async function connect({ registry }: ClusterProcess, ...topics: string[]): Promise<string> {
  const connection = await registry.open({ topics });
  await connection.attach(new RecordingSink());
  return connection.clientId;
}

/** The ids of all clients, page by page. `onPage` runs between two pages. */
async function listIds(
  registry: ClientRegistry,
  limit: number,
  onPage: () => unknown = () => undefined,
): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page = await registry.clients({ limit, after });
    ids.push(...page.clients.map(({ clientId }) => clientId));
    after = page.next;
    await onPage();
  } while (after !== undefined && ids.length < 1000);
  return ids;
}

describe("the list of clients", () => {
  it("is the same on every process: process by process, each sorted by id", async () => {
    const ids: string[][] = [];
    for (const process of [a, b, c]) {
      ids.push([await connect(process), await connect(process), await connect(process)].sort());
    }
    for (const { registry } of [a, b, c]) {
      for (const limit of [1, 2, 3, 4, 9, 10]) {
        expect(await listIds(registry, limit)).toEqual(ids.flat());
      }
    }
  });

  it("goes on with the next process when a process ends between two pages", async () => {
    await connect(a);
    await connect(b);
    await connect(b);
    const last = await connect(c);
    let pages = 0;
    const ids = await listIds(a.registry, 2, async () => {
      pages += 1;
      if (pages === 1) await b.registry.close();
    });
    expect(ids).toHaveLength(3);
    expect(ids.at(-1)).toBe(last);
  });

  it("leaves out a process that has ended, and fails when a process does not answer", async () => {
    const ids = [await connect(a), await connect(c)];
    await connect(b);
    b.bus.fault = "killed";
    expect(await listIds(a.registry, 10)).toEqual(ids);
    b.bus.fault = "silent";
    await expect(a.registry.clients()).rejects.toMatchObject({ code: "unreachable" });
  });
});

describe("the list of topics", () => {
  it("adds up the subscriptions on all processes, page by page", async () => {
    await connect(a, "x", "y");
    await connect(b, "x", "z");
    await connect(c, "w");
    const { registry } = b;
    expect(await registry.topics()).toEqual({
      topics: [
        { topic: "w", subscriptions: 1 },
        { topic: "x", subscriptions: 2 },
        { topic: "y", subscriptions: 1 },
        { topic: "z", subscriptions: 1 },
      ],
      next: undefined,
    });
    const first = await registry.topics({ limit: 2 });
    expect(first).toMatchObject({ topics: [{ topic: "w" }, { topic: "x" }], next: "x" });
    expect(await registry.topics({ limit: 2, after: first.next })).toMatchObject({
      topics: [{ topic: "y" }, { topic: "z" }],
    });
  });

  it("leaves out a process that has ended, and fails when a process does not answer", async () => {
    await connect(a, "x");
    await connect(b, "y");
    b.bus.fault = "killed";
    expect((await a.registry.topics()).topics).toEqual([{ topic: "x", subscriptions: 1 }]);
    b.bus.fault = "silent";
    await expect(a.registry.topics()).rejects.toMatchObject({ code: "unreachable" });
  });
});

describe("the statistics", () => {
  const message = (id: string) => createMessage({ topic: "x", data: 1, id });

  it("add up clients and publishes, and count the history once", async () => {
    await connect(a, "x");
    await connect(b, "x", "y");
    await a.registry.publish([message("1"), message("2")]);
    await b.registry.publish([message("2"), message("3")]);
    const expected = {
      ...{ clients: 2, subscriptions: 3, connects: 2, delivered: 6, accepted: 3, duplicate: 1 },
      history: { messages: 3 },
      processes: { living: 3, silent: [] },
    };
    for (const { registry } of [a, b, c]) {
      expect(await registry.stats()).toMatchObject(expected);
    }
  });

  it("count a process that does not answer as its last heartbeat did, and name it", async () => {
    await connect(a);
    await connect(b);
    await b.bus.beat();
    await connect(b);
    b.bus.fault = "silent";
    expect(await a.registry.stats()).toMatchObject({
      clients: 2,
      processes: { living: 3, silent: [b.home] },
    });
    expect(await b.registry.processStats?.()).toMatchObject({ clients: 2 });
  });

  it("of one process ask no other process, and work while the bus is away", async () => {
    await connect(a);
    await connect(b);
    cluster.network.isAway = true;
    const stats = await a.registry.processStats?.();
    expect(stats).toMatchObject({ clients: 1 });
    expect(stats).not.toHaveProperty("processes");
    await expect(a.registry.stats()).rejects.toMatchObject({ code: "unreachable" });
    expect(b.bus.received).toEqual([]);
  });
});
