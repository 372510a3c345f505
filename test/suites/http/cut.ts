import { afterEach, describe, expect, it } from "vitest";
import { publish, readStats, setSubscriptions } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually, within } from "../../support/deadline.ts";
import { leftOut } from "../../support/flags.ts";
import {
  numbers,
  numbersOf,
  publishNumbers,
  received,
  resumed,
  withLastEventId,
} from "../../support/numbered.ts";
import { openRawStream } from "../../support/raw-client.ts";
import { type RuntimeUnderTest, startService } from "../../support/service.ts";
import { openStream, parseEvents } from "../../support/sse-client.ts";

const KiB = 1024;
/** More than the buffers of both kernels and a limit of 1 MiB. */
const MOST_MESSAGES = 512;

/** Connections that the server ends, and the streams of their clients after the reconnect. */
export function cutSuite(runtime: RuntimeUnderTest): void {
  describe("a client that reconnects", () => {
    afterEach(closeClients);
    slow(runtime);
    stopped(runtime);
    restarted(runtime);
  });
}

function slow(runtime: RuntimeUnderTest): void {
  it("after a disconnect for not reading gets the missed messages, once and in order", async () => {
    const env = { REALTIME_HISTORY_BYTES: String(64 * KiB * KiB) };
    const { url, stop } = await startService(runtime, { env });
    const client = await openRawStream(url);
    // Two keys for each message, so the client may have a message under one key only.
    await setSubscriptions(url, client.clientId, ["flood", "*"]);
    client.socket.pause();
    let sent = 0;
    while ((await readStats(url)).disconnects.slow === 0 && sent < MOST_MESSAGES) {
      sent += 1;
      const data = { n: sent, text: "x".repeat(64 * KiB) };
      await within(publish(url, { topic: "flood", data }), 20_000, `message ${sent} is accepted`);
    }
    await publishNumbers(url, "flood", sent + 1, sent + 10);
    client.socket.resume();
    await eventually(client.isClosed, "its connection is closed");
    const [connect, ...first] = parseEvents(client.body());
    expect(first.length).toBeGreaterThan(0);
    expect(first.length).toBeLessThan(2 * sent);
    const id = first.at(-1)?.id ?? connect?.id;
    const back = await openStream(url, withLastEventId(id), "?topic=flood&topic=*");
    expect(await resumed(back)).toMatchObject({ recovered: true });
    const [rest = []] = await received(url, "flood", back);
    for (const key of ["flood", "*"]) {
      const got = [...first, ...rest].filter(({ event }) => event === key);
      expect(numbersOf(got)).toEqual(numbers(1, sent + 10));
    }
    await stop();
  });
}

function stopped(runtime: RuntimeUnderTest): void {
  const title =
    "and is in the middle of its replay when the server stops gets every message that was accepted before the stop";
  it.skipIf(runtime.noStop !== undefined)(leftOut(title, runtime.noStop), async () => {
    const count = 160;
    const service = await startService(runtime);
    const { url } = service;
    const origin = await openStream(url);
    await publishNumbers(url, "n", 1, count, { text: "x".repeat(64 * KiB), batch: 10 });
    const headers = { "Last-Event-ID": origin.clientId };
    const behind = await Promise.all(
      Array.from({ length: 3 }, () => openRawStream(url, { query: "?topic=n", headers })),
    );
    for (const { socket } of behind) socket.pause();
    const quick = await openStream(url, { headers }, "?topic=n");
    await publishNumbers(url, "n", count + 1, count + 1);
    const { recovered } = await readStats(url);
    expect(
      recovered,
      "clients that read nothing are in the middle of their replay",
    ).toBeLessThanOrEqual(1);
    const exitCode = service.stop();
    await eventually(
      () => service.logs.some(({ msg }) => msg === "stopping"),
      "the service starts to stop",
    );
    for (const { socket } of behind) socket.resume();
    expect(await exitCode).toBe(0);
    for (const { isClosed, body, text } of behind) {
      await eventually(isClosed, "the stream ends");
      const [, ...events] = parseEvents(body());
      expect(numbersOf(events)).toEqual(numbers(1, count + 1));
      expect(events.filter(({ event }) => event === "PB_RESUME")).toHaveLength(1);
      expect(body()).toMatch(/\nretry: \d+\n\n$/);
      expect(text()).toMatch(/\r\n0\r\n\r\n$/);
    }
    expect(await within(quick.ended, 5000, "the stream of the client that reads ends")).toBe("end");
    expect(numbersOf(quick.events)).toEqual(numbers(1, count + 1));
  });
}

function restarted(runtime: RuntimeUnderTest): void {
  const title = "after a restart without the log gets `recovered: false`, and continues live";
  it.skipIf(runtime.keepsLog !== undefined)(leftOut(title, runtime.keepsLog), async () => {
    const first = await startService(runtime);
    const watch = await openStream(first.url, {}, "?topic=n");
    await publishNumbers(first.url, "n", 1, 5);
    const ids = [watch.clientId, ...(await watch.receive(5)).map(({ id }) => id)];
    await first.stop();
    const { url, stop } = await startService(runtime, { env: { PORT: new URL(first.url).port } });
    // As many messages as before. The same sequence of another epoch must not be recognised.
    await publishNumbers(url, "n", 11, 15);
    for (const id of ids) {
      const client = await openStream(url, withLastEventId(id), "?topic=n");
      expect(await resumed(client)).toEqual({ recovered: false });
      const newest = await openStream(url, withLastEventId(id), "?topic=n&last=1");
      expect(await resumed(newest)).toEqual({ recovered: false });
      await newest.receive(2);
      expect(newest.events.map(({ data }) => data)).toEqual([
        '{"recovered":false}',
        '{"n":15,"text":""}',
      ]);
      const [events = []] = await received(url, "other", await openStream(url, {}, "?topic=other"));
      expect(events).toEqual([]);
      expect(client.events).toHaveLength(1);
    }
    await stop();
  });
}
