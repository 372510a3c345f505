import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MembersEvent, PresenceEvent } from "../../../../src/realtime/presence/presence.ts";
import { TopicRules } from "../../../../src/realtime/topic-rules.ts";
import type { Principal } from "../../../../src/realtime/types.ts";
import { NO_FAKE_TIME } from "../../../support/fake-time.ts";
import { leftOut } from "../../../support/flags.ts";
import { type Cluster, openCluster } from "../../../support/memory-cluster.ts";
import { flatten } from "../../../support/presence-reports.ts";

const GRACE = 5000;
const PRESENCE = "$presence/chat/1";
const decoder = new TextDecoder();

/** A stream and the presence events that it has received. */
interface Stream {
  readonly clientId: string;
  readonly events: PresenceEvent[];
  close(): void;
}

let cluster: Cluster;
let occupancy: string[];

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  occupancy = [];
  const topics = new TopicRules([{ match: "chat/*", presence: true }]);
  cluster = openCluster({
    presence: { topics, grace: GRACE, tracksOccupancy: true },
    onOccupancy: (topic, change) => occupancy.push(`${topic} ${change}`),
  });
});

afterEach(async () => {
  const closed = cluster.close();
  await vi.advanceTimersByTimeAsync(10_000);
  await closed;
  vi.useRealTimers();
});

describe.skipIf(NO_FAKE_TIME)(leftOut("presence over several processes", NO_FAKE_TIME), () => {
  it("sends the members of all processes, then their changes", async () => {
    await open(0, { identity: "ann" }, ["chat/1"]);
    await tick();
    const watcher = await watch(1);
    expect(take(watcher)).toMatchObject([{ type: "members", count: 1, members: [{ id: "ann" }] }]);
    const bob = await open(2, { identity: "bob" }, ["chat/1"]);
    await tick();
    expect(take(watcher)).toMatchObject([{ type: "join", member: { id: "bob" } }]);
    bob.close();
    await tick(GRACE + 100);
    expect(take(watcher)).toMatchObject([{ type: "leave", member: { id: "bob" } }]);
    expect(await registryOf(2).members("chat/1")).toMatchObject({ count: 1 });
  });

  it("counts the members of a page of topics over all processes with one call", async () => {
    await open(0, { identity: "ann" }, ["chat/1", "chat/2", "news"]);
    await open(1, { identity: "ann" }, ["chat/1"]);
    await open(2, {}, ["chat/2"]);
    await tick();
    expect((await registryOf(1).topics()).topics).toEqual([
      { topic: "chat/1", subscriptions: 2, members: 1, guests: 0 },
      { topic: "chat/2", subscriptions: 2, members: 1, guests: 1 },
      { topic: "news", subscriptions: 1 },
    ]);
    expect(presence().counted).toEqual([["chat/1", "chat/2"]]);
  });

  it("says once that a topic is occupied, and once that it is vacated, without members if it has no presence", async () => {
    const news = [await open(0, { identity: "ann" }, ["news"]), await open(1, {}, ["news"])];
    await tick();
    expect(occupancy).toEqual(["news occupied"]);
    for (const stream of news) stream.close();
    await tick(GRACE + 100);
    expect(occupancy).toEqual(["news occupied", "news vacated"]);
    expect(cluster.presence?.table.countsOf("news")).toEqual({ members: 0, guests: 0 });
    expect((await cluster.log.log.read(undefined, 100))?.entries).toEqual([]);
  });

  it("repeats a report that has failed, and a call that got no answer", async () => {
    const watcher = await watch(1);
    take(watcher);
    const fake = presence();
    fake.isAway = true;
    await open(0, { identity: "ann" }, ["chat/1"]);
    await tick();
    fake.isAway = false;
    await tick(2000);
    expect(take(watcher)).toMatchObject([{ type: "join", member: { id: "ann" } }]);
    occupancy = [];
    fake.lostAnswers = 1;
    await open(0, { identity: "eve" }, ["chat/2"]);
    await tick(2000);
    expect(occupancy).toEqual(["chat/2 occupied"]);
  });

  it("removes the members of a process that no longer renews its lease, but not after a time without the store", async () => {
    await open(0, { identity: "ann" }, ["chat/1"]);
    const watcher = await watch(1);
    await tick(GRACE + 1000);
    take(watcher);
    const fake = presence();
    fake.isAway = true;
    await tick(3 * GRACE);
    fake.isAway = false;
    await tick(3 * GRACE);
    expect(take(watcher)).toEqual([]);
    const [name = ""] = [...fake.sources.keys()].filter((one) => one.startsWith(homeOf(0)));
    const ghost = `${name}x`;
    await fake.apply({
      source: ghost,
      kind: "first",
      number: 1,
      lease: GRACE,
      parts: [
        {
          topic: "chat/1",
          isOccupied: true,
          guests: 1,
          present: [{ id: "ghost", info: {}, since: 1, updatedAt: 1 }],
          left: [],
          message: { private: true, ttl: undefined },
        },
      ],
    });
    await tick(GRACE - 1000);
    expect(take(watcher)).toHaveLength(2);
    await tick(3000);
    expect(take(watcher)).toMatchObject([
      { type: "leave", member: { id: "ghost" } },
      { type: "guests", guests: 0 },
    ]);
    expect(fake.sources.has(ghost)).toBe(false);
  });

  it("reports everything again after the store has lost it, and sends the members to the subscribers again", async () => {
    await open(0, { identity: "ann" }, ["chat/1"]);
    await open(1, { identity: "bob" }, ["chat/1"]);
    const watcher = await watch(2);
    take(watcher);
    presence().flush();
    cluster.log.announceGap();
    await tick(2500);
    const told = take(watcher);
    expect(told.at(-1)).toMatchObject({ type: "members", count: 2 });
    expect(told.filter(({ type }) => type === "members")).toHaveLength(1);
    expect(presence().table.countsOf("chat/1")).toEqual({ members: 2, guests: 0 });
  });

  it("reports all members again when its source is not known any more", async () => {
    await open(0, { identity: "ann" }, ["chat/1"]);
    await tick();
    presence().flush();
    await tick(2000);
    expect(await registryOf(1).members("chat/1")).toMatchObject({ members: [{ id: "ann" }] });
  });

  it("keeps the members of a process that stops, for the grace", async () => {
    await open(0, { identity: "ann" }, ["chat/1"]);
    const watcher = await watch(1);
    await tick(GRACE + 1000);
    take(watcher);
    const closed = registryOf(0).close();
    await tick(GRACE - 500);
    await closed;
    expect(take(watcher)).toEqual([]);
    await tick(3000);
    expect(take(watcher)).toMatchObject([{ type: "leave", member: { id: "ann" } }]);
  });
});

function presence() {
  const { presence: fake } = cluster;
  if (fake === undefined) throw new Error("The cluster has no presence.");
  return fake;
}

function registryOf(index: number) {
  const process = cluster.processes[index];
  if (process === undefined) throw new Error(`There is no process ${index}.`);
  return process.registry;
}

function homeOf(index: number): string {
  return cluster.processes[index]?.home ?? "";
}

async function watch(index: number): Promise<Stream> {
  const stream = await open(index, { identity: "w", rights: ["*"] }, [PRESENCE]);
  await tick();
  return stream;
}

async function open(
  index: number,
  principal: Principal,
  topics: readonly string[],
): Promise<Stream> {
  const connection = await registryOf(index).open({ ...principal, topics });
  const events: PresenceEvent[] = [];
  await connection.attach({
    bufferedBytes: 0,
    write: (frame) => {
      const text = decoder.decode(frame);
      for (const part of text.split("\n\n")) {
        if (!part.includes(`event:${PRESENCE}`) && !part.includes(`event: ${PRESENCE}`)) continue;
        const data = /^data:(.*)$/m.exec(part)?.[1] ?? "null";
        events.push(JSON.parse(data));
      }
      return true;
    },
    onDrain: (done) => done(),
    close: () => {},
  });
  return { clientId: connection.clientId, events, close: () => connection.close("client") };
}

/** Returns the presence events since the last call, one change after another. */
function take({ events }: Stream): (MembersEvent | PresenceEvent)[] {
  return flatten(events.splice(0));
}

function tick(time = 50): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(time);
}
