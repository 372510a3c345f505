import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { readStats, setSubscriptions } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually, pause } from "../../support/deadline.ts";
import {
  numbers,
  numbersOf,
  publishNumbers,
  received,
  resumed,
  withLastEventId,
} from "../../support/numbered.ts";
import { openRawStream } from "../../support/raw-client.ts";
import { type Service, startService, WORKERD } from "../../support/service.ts";
import { openStream, parseEvents } from "../../support/sse-client.ts";

/** workerd evicts an object after ten seconds in which nothing happened. */
const EVICTION = 12_000;

describe("a hub that was evicted", () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService(WORKERD, { env: { REALTIME_PING_SECONDS: "2" } });
  });
  afterEach(closeClients);
  afterAll(() => service.stop());

  it("replays all missed messages to a client that reconnects, and delivers live to it and to clients that stayed connected", async () => {
    const { url } = service;
    const watch = await openStream(url, {}, "?topic=n");
    const posted = await openStream(url);
    await publishNumbers(url, "n", 1, 1200, { text: "x".repeat(100) });
    await watch.receive(1200);
    const { startedAt } = await readStats(url);
    await pause(EVICTION);
    const clients = [
      await openStream(url, withLastEventId(watch.clientId), "?topic=n"),
      await openStream(url, withLastEventId(watch.events[599]?.id), "?topic=n"),
    ];
    expect(await Promise.all(clients.map(resumed))).toEqual([
      { recovered: true, replayed: 1200 },
      { recovered: true, replayed: 600 },
    ]);
    await setSubscriptions(url, posted.clientId, ["n"]);
    await publishNumbers(url, "n", 1201, 1210);
    const all = await received(url, "n", watch, posted, ...clients);
    const firsts = [1, 1201, 1, 601];
    expect(all.map(numbersOf)).toEqual(firsts.map((first) => numbers(first, 1210)));
    expect((await readStats(url)).startedAt > startedAt).toBe(true);
  });

  it("keeps a stream's Last-Event-ID for its first POST through hibernation", async () => {
    const { url } = service;
    const origin = await openStream(url);
    await publishNumbers(url, "slept", 1, 5);
    const client = await openStream(url, withLastEventId(origin.clientId));
    await pause(EVICTION);
    await publishNumbers(url, "slept", 6, 7);
    await setSubscriptions(url, client.clientId, ["slept"]);
    expect(await resumed(client)).toEqual({ recovered: true, replayed: 7 });
    const [events = []] = await received(url, "slept", client);
    expect(numbersOf(events)).toEqual(numbers(1, 7));
  });

  it("continues a replay after an eviction in the middle of it", async () => {
    const { url } = service;
    const origin = await openStream(url);
    await publishNumbers(url, "n", 1, 250, { text: "x".repeat(64 * 1024), batch: 10 });
    const headers = { "Last-Event-ID": origin.clientId };
    const behind = await openRawStream(url, { query: "?topic=n", headers });
    behind.socket.pause();
    await pause(EVICTION);
    behind.socket.resume();
    await publishNumbers(url, "n", 251, 252);
    await behind.waitFor(/"n":252/, "the last message");
    const events = await eventually(() => {
      const found = parseEvents(behind.body());
      return found.some(({ event }) => event === "PB_RESUME") && found.slice(1);
    }, "PB_RESUME");
    expect(numbersOf(events)).toEqual(numbers(1, 252));
    const resume = events.find(({ event }) => event === "PB_RESUME");
    expect(JSON.parse(resume?.data ?? "")).toMatchObject({ recovered: true });
  });
});
