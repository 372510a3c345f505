import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publish, readStats } from "../support/api.ts";
import { eventually, pause } from "../support/deadline.ts";
import { type Service, startService, WORKERD } from "../support/service.ts";
import { openStream } from "../support/sse-client.ts";

/** workerd evicts an object after ten seconds in which nothing happened. */
const EVICTION = 12_000;
/**
 * 25 MB in all: what the kernel takes for sockets that nobody reads is several MB, on each side of the proxy that
 * `wrangler dev` puts before the Worker. Where all of it found room there, the replay would be over.
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
  afterAll(() => service.stop());

  it("sleeps while its client takes nothing, and goes on where it was when the client does", async () => {
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
    const { socket, text } = openReader(url, lastEventId);
    await eventually(() => text().length > 0, "it has begun");
    const { startedAt } = await readStats(url);
    await pause(EVICTION);
    await publish(url, next());
    const woken = await readStats(url);
    expect(woken.startedAt > startedAt, "the hub was evicted").toBe(true);
    expect(woken, "what came meanwhile is not for it yet").toMatchObject({ delivered: 0 });
    socket.resume();
    await eventually(() => text().includes('"recovered":true'), "the replay ends");
    await publish(url, next());
    await eventually(() => text().includes(`{"n":${sent},`), "it is live");
    const received = [...text().matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n));
    expect(received).toEqual(Array.from({ length: sent }, (_, n) => n + 1));
    socket.destroy();
  });
});

/** One that stops reading at the first bytes, all the way down to the kernel, until it is resumed. */
function openReader(url: string, lastEventId: string) {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  const chunks: string[] = [];
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    if (chunks.length === 0) socket.pause();
    chunks.push(chunk);
  });
  socket.on("error", () => {});
  socket.write(
    `GET /api/realtime?topic=a/* HTTP/1.1\r\nHost: ${host}\r\nLast-Event-ID: ${lastEventId}\r\n\r\n`,
  );
  // The marks of the chunks may fall into the middle of a frame.
  return { socket, text: () => chunks.join("").replace(/\r\n[\da-f]+\r\n/g, "") };
}
