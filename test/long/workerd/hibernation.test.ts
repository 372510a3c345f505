import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publish, readStats, setSubscriptions } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually, pause } from "../../support/deadline.ts";
import { type Service, startService, WORKERD } from "../../support/service.ts";
import { openStream, type SSEClient } from "../../support/sse-client.ts";

/** workerd evicts an object after ten seconds in which nothing happened. */
const EVICTION = 12_000;
const CLIENTS = 20;
const LEAVING = 5;

describe("a hub with idle clients", () => {
  let service: Service;
  let clients: SSEClient[];
  /** The time at which the hub was constructed. The request for it wakes the hub. */
  const startedAt = async () => (await readStats(service.url)).startedAt;

  beforeAll(async () => {
    service = await startService(WORKERD, { env: { REALTIME_PING_SECONDS: "1" } });
    clients = await Promise.all(Array.from({ length: CLIENTS }, () => openStream(service.url)));
    for (const [index, { clientId }] of clients.entries()) {
      await setSubscriptions(service.url, clientId, ["all", `own/${index}`]);
    }
  });
  afterAll(async () => {
    closeClients();
    await service.stop();
  });

  it("hibernates while its clients stay connected and receive pings, and delivers to each client once and in order when it wakes", async () => {
    const before = await startedAt();
    const pings = clients.map(({ comments }) => comments.length);
    await pause(EVICTION);
    for (const [index, { comments }] of clients.entries()) {
      expect(comments.length - (pings[index] ?? 0)).toBeGreaterThanOrEqual(8);
    }
    await publish(service.url, { topic: "all", data: 1 });
    await publish(service.url, [
      { topic: "own/7", data: 2 },
      { topic: "all", data: 3 },
    ]);
    for (const [index, client] of clients.entries()) {
      const wanted = index === 7 ? ["1", "2", "3"] : ["1", "3"];
      const events = await client.receive(wanted.length, `client ${index} receives`);
      expect(events.map(({ data }) => data)).toEqual(wanted);
    }
    const after = await readStats(service.url);
    expect(after.startedAt > before).toBe(true);
    expect(after).toMatchObject({ clients: CLIENTS, subscriptions: 2 * CLIENTS });
    expect(after.delivered).toBe(2 * CLIENTS + 1);
  });

  it("is not constructed again during use, so the previous test measures hibernation and not restarts", async () => {
    const before = await startedAt();
    for (let second = 0; second < EVICTION / 1000; second++) {
      await publish(service.url, { topic: "nobody", data: second });
      await pause(1000);
    }
    expect(await startedAt()).toBe(before);
  });

  it("removes clients that disconnect during hibernation, and their subscriptions", async () => {
    const before = await startedAt();
    await pause(EVICTION);
    for (const client of clients.splice(0, LEAVING)) client.close();
    const left = await eventually(async () => {
      const stats = await readStats(service.url);
      return stats.clients === CLIENTS - LEAVING && stats;
    }, `${LEAVING} are gone`);
    expect(left.startedAt > before).toBe(true);
    expect(left.subscriptions).toBe(2 * (CLIENTS - LEAVING));
    const lengths = clients.map(({ events }) => events.length);
    await publish(service.url, { topic: "all", data: "still here" });
    for (const [index, client] of clients.entries()) {
      const events = await client.receive((lengths[index] ?? 0) + 1);
      expect(events.at(-1)?.data).toBe('"still here"');
    }
  });
});
