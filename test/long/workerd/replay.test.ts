import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publish, readStats } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually, pause } from "../../support/deadline.ts";
import { openRaw } from "../../support/raw-client.ts";
import { type Service, startService, WORKERD } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";

/** workerd evicts an object after ten seconds in which nothing happened. */
const EVICTION = 12_000;
/**
 * 25 MB in all. The kernel buffers several MB for sockets that are not read, on each side of the proxy that `wrangler dev` puts
 * before the Worker. If all messages fitted into these buffers, the replay would end.
 */
const BATCHES = 40;
const BATCH = 250;
const TEXT = "x".repeat(2500);

describe("a hub in the middle of a replay", () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService(WORKERD, {
      env: {
        REALTIME_PING_SECONDS: "1",
        REALTIME_HISTORY_MESSAGES: "30000",
        REALTIME_HISTORY_BYTES: "100000000",
      },
    });
  });
  afterAll(async () => {
    closeClients();
    await service.stop();
  });

  it("hibernates while its client reads nothing, and continues from the same position when the client reads again", async () => {
    const { url } = service;
    const first = await openStream(url, {}, "?topic=a/*");
    const lastEventId = first.clientId;
    first.close();
    let sent = 0;
    const next = () => {
      sent += 1;
      return { topic: "a/b", data: { n: sent, text: TEXT } };
    };
    for (let batch = 0; batch < BATCHES; batch++) {
      await publish(url, Array.from({ length: BATCH }, next));
    }
    const headers = { "Last-Event-ID": lastEventId };
    const reader = await openRaw(url, { query: "?topic=a/*", headers });
    // Stop reading at the first bytes. A later check could find that everything was read.
    reader.socket.once("data", () => reader.socket.pause());
    await eventually(() => reader.text() !== "", "the replay starts");
    const { startedAt } = await readStats(url);
    await pause(EVICTION);
    await publish(url, next());
    const woken = await readStats(url);
    expect(woken.startedAt > startedAt, "the hub was evicted").toBe(true);
    expect(woken, "messages published meanwhile are not delivered yet").toMatchObject({
      delivered: 0,
    });
    reader.socket.resume();
    await eventually(() => reader.body().includes('"recovered":true'), "the replay ends");
    await publish(url, next());
    await eventually(() => reader.body().includes(`{"n":${sent},`), "the client is live");
    const received = [...reader.body().matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n));
    expect(received).toEqual(Array.from({ length: sent }, (_, n) => n + 1));
  });
});
