import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readStats } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually, pause } from "../../support/deadline.ts";
import { type Service, startService, WORKERD } from "../../support/service.ts";
import { openStream, type SSEClient } from "../../support/sse-client.ts";
import { bearer, inSeconds, JWT_SECRET, tokenFor } from "../../support/tokens.ts";

/** workerd evicts an object after ten seconds in which nothing happened. */
const EVICTION = 12_000;
const MEMBERS = 1000;
/** The tokens are valid for longer than the test takes: a client with an expired token leaves. */
const LONG = { exp: inSeconds(3600) };

describe("a hub with a thousand idle members", () => {
  let service: Service;
  let watcher: SSEClient;
  const members: SSEClient[] = [];

  beforeAll(async () => {
    service = await startService(WORKERD, {
      env: {
        REALTIME_JWT_SECRET: JWT_SECRET,
        REALTIME_TOPICS: JSON.stringify([{ match: "room/*", presence: true }]),
        REALTIME_PING_SECONDS: "2",
      },
    });
    const headers = bearer(await tokenFor("watcher", { subscribe: ["$presence/*"] }, LONG));
    watcher = await openStream(service.url, { headers }, "?topic=$presence/room/1");
    for (let first = 0; first < MEMBERS; first += 50) {
      const opening = Array.from({ length: 50 }, (_, index) => join(`m${first + index}`));
      members.push(...(await Promise.all(opening)));
    }
    await eventually(() => present().size === MEMBERS, "the watcher is told of all members");
  }, 180_000);
  afterAll(async () => {
    closeClients();
    await service.stop();
  });

  async function join(id: string): Promise<SSEClient> {
    const headers = bearer(await tokenFor(id, {}, LONG));
    return openStream(service.url, { headers }, "?topic=room/1");
  }

  /** The ids of the members, as the watcher rebuilds them from its events. */
  function present(): Set<string> {
    const ids = new Set<string>();
    for (const { data } of watcher.events) {
      const event = JSON.parse(data);
      if (event.type === "members") ids.clear();
      for (const { id } of event.members ?? []) ids.add(id);
      for (const { type, member } of event.changes ?? [event]) {
        if (type === "join") ids.add(member.id);
        if (type === "leave") ids.delete(member.id);
      }
    }
    return ids;
  }

  it("hibernates, and repeats no event when it wakes", async () => {
    // The presence messages have set an alarm for the age of the history, so only the grace can wake the hub here.
    await pause(EVICTION / 2);
    const before = (await readStats(service.url)).startedAt;
    const told = watcher.events.length;
    await pause(EVICTION);
    const { startedAt, clients } = await readStats(service.url);
    expect(startedAt > before).toBe(true);
    expect(clients).toBe(MEMBERS + 1);
    expect(watcher.events.length).toBe(told);
  });

  it("wakes when a stream ends, sleeps during the grace, and sends one event when the member leaves", async () => {
    await pause(EVICTION);
    members.pop()?.close();
    const told = watcher.events.length;
    await watcher.receive(told + 1, "the member has left");
    expect(present().size).toBe(MEMBERS - 1);
    expect(present().has(`m${MEMBERS - 1}`)).toBe(false);
    // A change and not the whole list, because the hub has stored what it sent before it slept.
    expect(watcher.events.slice(told).map(({ data }) => JSON.parse(data).type)).toEqual(["leave"]);
    await join("late");
    await eventually(() => present().has("late"), "the late member has joined");
    expect(present().size).toBe(MEMBERS);
  });
});
