import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { call, publish } from "../../support/api.ts";
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
import { openRaw, openRawStream } from "../../support/raw-client.ts";
import { type RuntimeUnderTest, startService } from "../../support/service.ts";
import { openStream, parseEvents } from "../../support/sse-client.ts";

const KiB = 1024;

type Env = Readonly<Record<string, string>>;

/** The limits of the history, and the PB_RESUME of a client that needs trimmed messages. */
export function limitsSuite(runtime: RuntimeUnderTest): void {
  describe("a history with limits", () => {
    afterEach(closeClients);
    kept(runtime);
    expired(runtime);
    off(runtime);
  });
}

/** A history that trims messages before a client has read them. */
export function overtakenSuite(runtime: RuntimeUnderTest): void {
  describe("a history that is trimmed during a replay", () => {
    afterEach(closeClients);
    overtaken(runtime);
  });
}

const page = async (url: string, query = "?topic=n&limit=1000") => {
  const { status, body } = await call(url, `/api/realtime/messages${query}`);
  expect(status).toBe(200);
  return body.messages as readonly { readonly cursor: string; readonly data: unknown }[];
};

function kept(runtime: RuntimeUnderTest): void {
  const rows: [Env, messages: number][] = [
    [{ REALTIME_HISTORY_MESSAGES: "5" }, 5],
    [{ REALTIME_HISTORY_BYTES: "350" }, 3],
  ];
  it.each(rows)(
    "with %j recovers exactly the clients that miss no trimmed message",
    async (env, messages) => {
      const { url, stop } = await startService(runtime, { env });
      const watch = await openStream(url, {}, "?topic=n");
      // 100 bytes each: the id, the topic, and the data's two quotes.
      const message = (n: number) => ({ topic: "n", id: `id-${n % 10}`, data: `${n}`.repeat(93) });
      for (const n of numbers(0, 9)) await publish(url, message(n));
      await watch.receive(10);
      const ids = [watch.clientId, ...watch.events.map(({ id }) => id)];
      const behind = ids.map((_, index) => 10 - index);
      for (const [index, missed] of behind.entries()) {
        const client = await openStream(url, withLastEventId(ids[index]), "?topic=n");
        const recovered = missed <= messages;
        const wanted = recovered ? { recovered, replayed: missed } : { recovered };
        expect([missed, await resumed(client)]).toEqual([missed, wanted]);
        const replayed = client.events.filter(({ event }) => event === "n");
        const newest = watch.events.slice(recovered ? index : 10);
        expect(replayed).toEqual(newest);
      }
      expect(await page(url)).toHaveLength(messages);
      await stop();
    },
  );
}

function expired(runtime: RuntimeUnderTest): void {
  it("drops messages that are older than REALTIME_HISTORY_SECONDS", async () => {
    const env = { REALTIME_HISTORY_SECONDS: "1" };
    const { url, stop } = await startService(runtime, { env });
    const watch = await openStream(url, {}, "?topic=n");
    await publishNumbers(url, "n", 1, 2);
    const [first, second] = await watch.receive(2);
    await pause(1200);
    expect(await page(url)).toEqual([]);
    for (const id of [watch.clientId, first?.id]) {
      const lost = await openStream(url, withLastEventId(id), "?topic=n");
      expect(await resumed(lost)).toEqual({ recovered: false });
    }
    const well = await openStream(url, withLastEventId(second?.id), "?topic=n");
    expect(await resumed(well)).toEqual({ recovered: true, replayed: 0 });
    const [events = []] = await received(url, "n", well);
    expect(numbersOf(events)).toEqual([]);
    await stop();
  });
}

function overtaken(runtime: RuntimeUnderTest): void {
  it("sends `recovered: false` to the client, and then continues live", async () => {
    const text = "x".repeat(256 * KiB);
    const count = Math.ceil(socketCapacity() / text.length);
    const env = {
      REALTIME_HISTORY_MESSAGES: String(count),
      REALTIME_HISTORY_BYTES: "1000000000",
      // Live messages wait for the client as well, from the moment its position is lost.
      REALTIME_MAX_BUFFERED_BYTES: "1000000000",
      REALTIME_MAX_WAITING_BYTES: "1000000000",
      REALTIME_MAX_WAITING_BYTES_PER_ADDRESS: "1000000000",
      REALTIME_MAX_MESSAGE_BYTES: "500000",
    };
    const { url, stop } = await startService(runtime, { env });
    const origin = await openStream(url);
    await publishNumbers(url, "n", 1, count, { text, batch: 3 });
    const query = "?topic=n";
    const headers = { "Last-Event-ID": origin.clientId };
    const behind = await openRaw(url, { query, headers });
    // Stop reading at the first bytes. A later check could find that everything was read.
    behind.socket.once("data", () => behind.socket.pause());
    await eventually(() => behind.text() !== "", "the replay starts");
    await publishNumbers(url, "n", count + 1, 2 * count, { text, batch: 3 });
    behind.socket.resume();
    await behind.waitFor(/event: PB_RESUME/, "the client receives PB_RESUME");
    // Messages before PB_RESUME are no longer delivered to this client.
    await publishNumbers(url, "n", 2 * count + 1, 2 * count + 1);
    await behind.waitFor(new RegExp(`"n":${2 * count + 1}`), "the last message");
    const events = parseEvents(behind.body()).slice(1);
    const resumeIndex = events.findIndex(({ event }) => event === "PB_RESUME");
    expect(events[resumeIndex]?.data).toBe('{"recovered":false}');
    expect(resumeIndex).toBeGreaterThan(0);
    const live = numbersOf(events.slice(resumeIndex));
    expect(live[0]).toBeGreaterThan(resumeIndex + 1);
    expect(live).toEqual(numbers(live[0] ?? 0, 2 * count + 1));
    expect(numbersOf(events.slice(0, resumeIndex))).toEqual(numbers(1, resumeIndex));
    // The client missed nothing after PB_RESUME.
    const back = await openStream(url, withLastEventId(events[resumeIndex]?.id), query);
    expect(await resumed(back)).toEqual({ recovered: true, replayed: live.length });
    await stop();
  });
}

/**
 * Bytes that can be in transit to a client that does not read: more than the kernel buffers for both ends of two connections,
 * because `wrangler dev` has a proxy between the client and the Worker.
 */
function socketCapacity(): number {
  const maximum = (name: string) => {
    const [, , bytes] = readFileSync(`/proc/sys/net/ipv4/${name}`, "utf8").trim().split(/\s+/);
    return Number(bytes);
  };
  return 2 * 1.25 * (maximum("tcp_rmem") + maximum("tcp_wmem"));
}

function off(runtime: RuntimeUnderTest): void {
  const names = ["REALTIME_HISTORY_MESSAGES", "REALTIME_HISTORY_SECONDS", "REALTIME_HISTORY_BYTES"];
  it.each(names)("that %s=0 turns off recovers only clients that missed nothing", async (name) => {
    const { url, stop } = await startService(runtime, { env: { [name]: "0" } });
    const first = await openRawStream(url, { query: "?topic=n" });
    expect(first.clientId).toMatch(/^0-[a-z0-9]{10}\.(?:[a-z0-9]{8}\.)?[\w-]{21}$/);
    await publishNumbers(url, "n", 1, 1);
    await first.waitFor(/"n":1/, "the message");
    const [, event, ...more] = parseEvents(first.body());
    expect(more).toEqual([]);
    expect(first.body().match(/^id: /gm)).toHaveLength(2);
    const well = await openStream(url, withLastEventId(event?.id), "?topic=n");
    expect(await resumed(well)).toEqual({ recovered: true, replayed: 0 });
    const stranger = await openStream(url, withLastEventId(first.clientId), "?topic=n");
    expect(await resumed(stranger)).toEqual({ recovered: false });
    await publishNumbers(url, "n", 2, 2);
    const lost = await openStream(url, withLastEventId(event?.id), "?topic=n");
    expect(await resumed(lost)).toEqual({ recovered: false });
    const newest = await openStream(url, {}, "?topic=n&last=10");
    const all = await received(url, "n", well, stranger, lost, newest);
    expect(all.map(numbersOf)).toEqual([[2], [2], [], []]);
    expect(await page(url)).toEqual([]);
    await stop();
  });
}
