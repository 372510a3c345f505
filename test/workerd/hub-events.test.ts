/** The events that hubs tell a backend. The backend is a function here; `test/suites/callbacks.ts` has a real one. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../support/deadline.ts";
import { closeHubs, type HubsUnderTest, openHubs } from "./hubs.ts";
import { openOn } from "./presence.ts";
import { MAX_QUEUE } from "./worker.ts";

afterEach(closeHubs);

type Event = Readonly<Record<string, string>>;
type Batch = { readonly id: string; readonly events: readonly Event[] };

/** The requests that the object has sent since it was created. */
async function requests(hubs: HubsUnderTest, shard = 0): Promise<Batch[]> {
  const sent = await hubs.inside((hub) => hub.requests.map((one) => ({ ...one })), shard);
  return sent.map(({ id, body }) => ({ id, ...(JSON.parse(body) as Omit<Batch, "id">) }));
}

/** What the events say, each once: `occupied news`, `disconnected client` and so on. */
async function told(hubs: HubsUnderTest, shard = 0): Promise<string[]> {
  const events = (await requests(hubs, shard)).flatMap((batch) => batch.events);
  const byId = new Map(events.map((event) => [event.id, event]));
  return [...byId.values()].map(
    ({ type, topic, reason, identity }) => `${type} ${topic ?? reason ?? identity ?? "guest"}`,
  );
}

async function toldIs(hubs: HubsUnderTest, expected: readonly string[], shard = 0): Promise<void> {
  await eventually(
    async () => (await waiting(hubs, shard)) === 0 && (await told(hubs, shard)).length > 0,
    "all is told",
  );
  await eventually(async () => (await told(hubs, shard)).length >= expected.length, "all events");
  expect(await told(hubs, shard)).toEqual(expected);
}

function waiting(hubs: HubsUnderTest, shard = 0): Promise<number> {
  return hubs.inside(
    (_, { storage }) => storage.sql.exec("SELECT number FROM events").toArray().length,
    shard,
  );
}

function setAway(hubs: HubsUnderTest, isAway: boolean): Promise<void> {
  return hubs.inside((hub) => {
    hub.isBackendAway = isAway;
  });
}

const alarmOf = (hubs: HubsUnderTest) => hubs.inside((_, { storage }) => storage.getAlarm());

/** Waits until the backend has refused `count` requests, and the hub has noted the last refusal. */
async function refused(hubs: HubsUnderTest, count: number): Promise<void> {
  const query = "SELECT batch FROM event_batch";
  await eventually(async () => {
    const rows = await hubs.inside((_, { storage }) => storage.sql.exec(query).toArray());
    return rows.length === 1 && JSON.parse(String(rows[0]?.batch)).failures === count;
  }, `${count} requests are refused`);
}

describe("a hub that tells", () => {
  it("tells of topics once for all shards, and of streams on their own shard, in order", async () => {
    const hubs = openHubs(2, "tells");
    const ann = await openOn(hubs, 1, ["news"], { identity: "ann" });
    await toldIs(hubs, ["occupied news"]);
    const guest = await openOn(hubs, 0, ["news"]);
    const admin = await openOn(hubs, 0, [], { identity: "admin", isAdmin: true });
    admin.connection.close("slow");
    const before = ["occupied news", "connected guest", "connected guest", "disconnected slow"];
    await toldIs(hubs, before);
    for (const { connection } of [ann, guest]) connection.close("client");
    await toldIs(hubs, [...before, "disconnected client", "vacated news"]);
    await toldIs(hubs, ["connected ann", "disconnected client"], 1);
    const [batch] = await requests(hubs, 1);
    expect(batch).toEqual({
      id: expect.stringMatching(/^msg_.{21}$/),
      events: [
        {
          id: expect.stringMatching(/^evt_.{21}$/),
          type: "connected",
          clientId: ann.connection.clientId,
          identity: "ann",
          at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        },
      ],
    });
  });

  it("gives the reason when the hub ends a stream", async () => {
    const hubs = openHubs(1, "tells");
    const { connection } = await openOn(hubs, 0, []);
    await hubs.registry.disconnect(connection.clientId);
    await toldIs(hubs, ["connected guest", "disconnected admin"]);
  });

  it("sends a batch again with the same id until the backend has it, through evictions", async () => {
    const hubs = openHubs(1, "tells");
    await setAway(hubs, true);
    await openOn(hubs, 0, [], { identity: "ann" });
    await refused(hubs, 1);
    await hubs.evict();
    await openOn(hubs, 0, [], { identity: "bob" });
    await refused(hubs, 2);
    await hubs.evict();
    await setAway(hubs, false);
    await toldIs(hubs, ["connected ann", "connected bob"]);
    const sent = await requests(hubs);
    expect(sent.slice(0, 3)).toEqual([sent[0], sent[0], sent[0]]);
    expect(sent[0]?.events).toHaveLength(1);
    expect(sent).toHaveLength(4);
    expect(sent[3]?.id).not.toBe(sent[0]?.id);
  });

  it("keeps the time of the next attempt when it is evicted", async () => {
    const hubs = openHubs(1, "tells");
    await setAway(hubs, true);
    await openOn(hubs, 0, []);
    await refused(hubs, 1);
    await hubs.inside((_, { storage }) =>
      storage.sql.exec(
        "UPDATE event_batch SET batch = json_set(batch, '$.retryAt', ?)",
        Date.now() + 50_000,
      ),
    );
    await hubs.evict();
    await runDurableObjectAlarm(hubs.hub());
    expect(await requests(hubs)).toHaveLength(1);
    const alarm = (await alarmOf(hubs)) ?? 0;
    expect(alarm).toBeGreaterThan(Date.now() + 30_000);
    expect(alarm).toBeLessThanOrEqual(Date.now() + 50_000);
  });

  it("drops the oldest events when too many wait", async () => {
    const hubs = openHubs(1, "tells");
    await setAway(hubs, true);
    const names = Array.from({ length: MAX_QUEUE + 3 }, (_, n) => `user ${n}`);
    for (const identity of names) await openOn(hubs, 0, [], { identity });
    expect(await waiting(hubs)).toBe(MAX_QUEUE);
    expect(await hubs.inside(({ dropped }) => dropped)).toBe(3);
    await hubs.evict();
    await hubs.inside((hub) => hub.requests.splice(0));
    await setAway(hubs, false);
    await toldIs(
      hubs,
      names.slice(3).map((name) => `connected ${name}`),
    );
  });

  it("tells after a failure what it had not told, and that its clients have gone", async () => {
    const hubs = openHubs(1, "tells");
    await openOn(hubs, 0, [], { identity: "ann" });
    await toldIs(hubs, ["connected ann"]);
    await setAway(hubs, true);
    await openOn(hubs, 0, ["news"], { identity: "bob" });
    await refused(hubs, 1);
    await hubs.abort();
    await hubs.registry.stats();
    await eventually(async () => (await told(hubs)).length === 5, "all is told");
    const all = await told(hubs);
    expect(all.slice(0, 2)).toEqual(["connected bob", "occupied news"]);
    expect(all.slice(2).toSorted()).toEqual([
      "disconnected error",
      "disconnected error",
      "vacated news",
    ]);
    await hubs.evict();
    await hubs.registry.stats();
    expect(await told(hubs)).toEqual(all);
  });

  it("has no alarm when nothing waits", async () => {
    const hubs = openHubs(1, "tells");
    const { connection } = await openOn(hubs, 0, []);
    await toldIs(hubs, ["connected guest"]);
    await eventually(async () => (await alarmOf(hubs)) === null, "no alarm");
    await hubs.evict();
    await hubs.registry.stats();
    expect(await alarmOf(hubs)).toBeNull();
    connection.close("client");
    await toldIs(hubs, ["connected guest", "disconnected client"]);
    await eventually(async () => (await alarmOf(hubs)) === null, "no alarm");
  });
});
