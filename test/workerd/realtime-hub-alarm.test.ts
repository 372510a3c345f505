import { env, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DEFAULT_REMEMBERED_IDS } from "../../src/log/log.ts";
import { SqliteLog } from "../../src/log/sqlite.ts";
import { createMessage } from "../../src/realtime/message.ts";
import { RealtimeHub } from "../../src/registry/durable-object/hub.ts";
import { StorageDatabase } from "../../src/registry/durable-object/storage-database.ts";
import { closeHubs, type HubsUnderTest, openHubs } from "./hubs.ts";

/** Five minutes, the default age of both history and remembered ids. */
const EXPIRY = DEFAULT_REMEMBERED_IDS.maxAge;

let clock = 0;

afterEach(async () => {
  vi.restoreAllMocks();
  await closeHubs();
});

describe("a hub without entries that expire", () => {
  it("sets no alarm for operations of clients", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["chat"]);
    await hubs.registry.send(client.clientId, "note", 1);
    await hubs.registry.publish([]);
    await hubs.registry.stats();
    await hubs.registry.clients();
    await hubs.evict();
    await hubs.registry.disconnect(client.clientId);
    await client.sink.ended();
    expect(await alarmOf(hubs)).toBeNull();
    expect(await runDurableObjectAlarm(hubs.hub())).toBe(false);
  });

  it("sets no alarm for a refused message", async () => {
    const hubs = openHubs();
    const publishing = hubs.publish({ topic: "a", data: "x".repeat(2_000_000) });
    await expect(publishing).rejects.toMatchObject({ code: "invalid_input" });
    expect(await alarmOf(hubs)).toBeNull();
  });
});

describe("a hub with history", () => {
  // The clock does not advance, so these tests must not wait.
  beforeEach(() => {
    clock = Date.now();
    vi.spyOn(Date, "now").mockImplementation(() => clock);
  });

  it("has one alarm, at the expiry of the oldest message", async () => {
    const hubs = openHubs();
    await hubs.publish({ topic: "a", data: 1, id: "m1" });
    expect(await alarmOf(hubs)).toBe(clock + EXPIRY);
    const set = clock;
    clock += 60_000;
    await hubs.publish({ topic: "a", data: 2 }, { topic: "a", data: 1, id: "m1" });
    expect(await alarmOf(hubs)).toBe(set + EXPIRY);
    await hubs.evict();
    await hubs.publish({ topic: "a", data: 3 });
    expect(await alarmOf(hubs)).toBe(set + EXPIRY);
  });

  it("has no alarm after everything has expired, and keeps only the sequence", async () => {
    const hubs = openHubs();
    for (const data of [1, 2, 3]) await hubs.publish({ topic: "chat", data });
    clock += EXPIRY;
    expect(await runDurableObjectAlarm(hubs.hub())).toBe(true);
    expect(await alarmOf(hubs)).toBeNull();
    expect(await countsOf(hubs)).toEqual({ messages: 0, ids: 1 });
    await hubs.evict();
    expect(await alarmOf(hubs)).toBeNull();
    await hubs.publish({ topic: "chat", data: 4 });
    expect(await alarmOf(hubs)).toBe(clock + EXPIRY);
    const cursor = await hubs.inside((_, { storage }) =>
      new SqliteLog({ database: new StorageDatabase(storage) }).cursor(),
    );
    expect(cursor).toMatch(/^0-\w+-4$/);
  });

  it("may be woken by its alarm", async () => {
    const hubs = openHubs();
    await hubs.publish({ topic: "a", data: 1 }, { topic: "a", data: 2 });
    clock += EXPIRY;
    await hubs.evict();
    expect(await runDurableObjectAlarm(hubs.hub())).toBe(true);
    expect(await alarmOf(hubs)).toBeNull();
    expect(await countsOf(hubs)).toEqual({ messages: 0, ids: 1 });
  });

  it("sets the alarm again for later messages, and keeps these until then", async () => {
    const hubs = openHubs();
    await hubs.publish({ topic: "a", data: 1 }, { topic: "a", data: 2 });
    clock += 100_000;
    await hubs.publish({ topic: "a", data: 3 });
    const later = clock;
    clock += 200_000;
    expect(await runDurableObjectAlarm(hubs.hub())).toBe(true);
    expect(await countsOf(hubs)).toEqual({ messages: 1, ids: 1 });
    expect(await alarmOf(hubs)).toBe(later + EXPIRY);
    clock += 100_000;
    expect(await runDurableObjectAlarm(hubs.hub())).toBe(true);
    expect(await alarmOf(hubs)).toBeNull();
    expect(await countsOf(hubs)).toEqual({ messages: 0, ids: 1 });
  });

  it("that runs its alarm too early keeps everything and sets the alarm again", async () => {
    const hubs = openHubs();
    await hubs.publish({ topic: "a", data: 1 }, { topic: "a", data: 2 });
    clock += EXPIRY - 1;
    expect(await runDurableObjectAlarm(hubs.hub())).toBe(true);
    expect(await countsOf(hubs)).toEqual({ messages: 2, ids: 2 });
    expect(await alarmOf(hubs)).toBe(clock + 1);
  });

  it("of another age has its alarm when both history and ids have expired", async () => {
    for (const [maxAge, expected] of [
      [EXPIRY * 2, EXPIRY * 2],
      [1000, EXPIRY],
    ] as const) {
      const hubs = openHubs();
      await hubs.inside(async (_, state) => {
        const hub = new RealtimeHub(state, env, { history: { maxAge } });
        await hub.publish([1, 2].map((data) => createMessage({ topic: "a", data })));
      });
      expect(await alarmOf(hubs)).toBe(clock + expected);
    }
  });
});

function alarmOf(hubs: HubsUnderTest): Promise<number | null> {
  return hubs.inside((_, { storage }) => storage.getAlarm());
}

function countsOf(hubs: HubsUnderTest) {
  const query =
    "SELECT (SELECT COUNT(*) FROM messages) AS messages, (SELECT COUNT(*) FROM message_ids) AS ids";
  return hubs.inside((_, { storage }) => storage.sql.exec(query).one());
}
