import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createMemoryLog } from "../../../../src/log/memory.ts";
import { RealtimeManager } from "../../../../src/realtime/manager.ts";
import { TopicRules } from "../../../../src/realtime/topic-rules.ts";
import type { Principal } from "../../../../src/realtime/types.ts";
import { createInProcessRegistry } from "../../../../src/registry/in-process/registry.ts";
import type { ClientConnection, ClientRegistry } from "../../../../src/registry/registry.ts";
import { NO_FAKE_TIME } from "../../../support/fake-time.ts";
import { leftOut } from "../../../support/flags.ts";

const GRACE = 5000;
const decoder = new TextDecoder();

/** A stream and the data of the events that it has received, by event name. */
interface Stream {
  readonly connection: ClientConnection;
  readonly events: { event: string; data: unknown }[];
}

let registry: ClientRegistry;
let occupancy: string[];

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  occupancy = [];
  const topics = new TopicRules([{ match: "chat/*", presence: true }]);
  registry = createInProcessRegistry({
    manager: new RealtimeManager({ presence: { topics, grace: GRACE, tracksOccupancy: true } }),
    log: createMemoryLog({ now: Date.now }),
    onOccupancy: (topic, change) => occupancy.push(`${topic} ${change}`),
  });
});

afterEach(async () => {
  await registry.close();
  vi.useRealTimers();
});

describe.skipIf(NO_FAKE_TIME)(leftOut("presence in one process", NO_FAKE_TIME), () => {
  it("sends the members first, then joins, updates and leaves", async () => {
    const watcher = await open({ identity: "w", rights: ["*"] }, ["$presence/chat/1"]);
    await tick();
    expect(take(watcher)).toEqual([{ type: "members", members: [], count: 0, guests: 0 }]);
    const ann = await open({ identity: "ann", info: { name: "Ann" } }, ["chat/1"]);
    await tick();
    const member = { id: "ann", info: { name: "Ann" }, since: expect.any(Number) };
    expect(take(watcher)).toEqual([{ type: "join", member }]);
    await registry.extendInfo({
      clientId: ann.connection.clientId,
      topic: "chat/1",
      info: { typing: true },
      principal: { identity: "ann" },
    });
    await tick();
    const typing = { ...member, info: { typing: true, name: "Ann" } };
    expect(take(watcher)).toEqual([{ type: "update", member: typing }]);
    ann.connection.close("client");
    await tick(GRACE - 100);
    expect(take(watcher)).toEqual([]);
    await tick(200);
    expect(take(watcher)).toEqual([{ type: "leave", member: typing }]);
    expect(await registry.members("chat/1")).toMatchObject({ count: 0, guests: 0 });
  });

  it("counts guests, and sends no event about a reload within the grace", async () => {
    const watcher = await open({ identity: "w", rights: ["*"] }, ["$presence/chat/1"]);
    const guest = await open({}, ["chat/1"]);
    const ann = await open({ identity: "ann" }, ["chat/1"]);
    await tick();
    take(watcher);
    expect(await registry.members("chat/1")).toMatchObject({ count: 1, guests: 1 });
    for (const stream of [guest, ann]) stream.connection.close("client");
    await tick(GRACE / 2);
    await open({}, ["chat/1"]);
    await open({ identity: "ann" }, ["chat/1"]);
    await tick(2 * GRACE);
    expect(take(watcher)).toEqual([]);
  });

  it("shows the members only to clients with a right to the presence topic", async () => {
    const stranger = await open({ identity: "s", rights: ["chat/*"] }, ["$presence/chat/1"]);
    const friend = await open({ identity: "f", rights: ["$presence/*"] }, ["$presence/chat/1"]);
    await open({ identity: "ann" }, ["chat/1"]);
    await tick();
    expect(take(stranger)).toEqual([]);
    expect(take(friend)).toHaveLength(2);
  });

  it("publishes nothing about topics without presence", async () => {
    const watcher = await open({ identity: "w", rights: ["*"] }, ["$presence/news"]);
    await open({ identity: "ann" }, ["news"]);
    await tick();
    expect(occupancy).toEqual(["news occupied"]);
    expect(take(watcher)).toEqual([]);
  });

  it("goes on when the clock is set back", async () => {
    const watcher = await open({ identity: "w", rights: ["*"] }, ["$presence/chat/1"]);
    const ann = await open({ identity: "ann" }, ["chat/1"]);
    await tick();
    ann.connection.close("client");
    take(watcher);
    vi.setSystemTime(Date.now() - 600_000);
    // The timer looks at the clock every 30 seconds.
    await tick(31_000);
    expect(take(watcher)).toMatchObject([{ type: "leave" }]);
    await open({ identity: "bob" }, ["chat/1"]);
    await tick(1000);
    expect(take(watcher)).toMatchObject([{ type: "join" }]);
  });

  it("says when a topic is occupied, and when it is vacated", async () => {
    const one = await open({}, ["news"]);
    const two = await open({ identity: "ann" }, ["news", "news/*"]);
    await tick();
    expect(occupancy).toEqual(["news occupied"]);
    one.connection.close("client");
    two.connection.close("client");
    await tick(GRACE + 100);
    expect(occupancy).toEqual(["news occupied", "news vacated"]);
  });
});

async function open(principal: Principal, topics: readonly string[]): Promise<Stream> {
  const connection = await registry.open({ ...principal, topics });
  const events: Stream["events"] = [];
  await connection.attach({
    bufferedBytes: 0,
    write: (frame) => {
      const text = decoder.decode(frame);
      const event = /^event:(.*)$/m.exec(text)?.[1]?.trim() ?? "";
      const data = /^data:(.*)$/m.exec(text)?.[1] ?? "null";
      events.push({ event, data: JSON.parse(data) });
      return true;
    },
    onDrain: (done) => done(),
    close: () => {},
  });
  return { connection, events };
}

/** Returns the data of the presence events since the last call. */
function take({ events }: Stream): unknown[] {
  return events
    .splice(0)
    .filter(({ event }) => event.startsWith("$presence/"))
    .map(({ data }) => data);
}

function tick(time = 20): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(time);
}
