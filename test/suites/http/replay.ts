import { afterEach, describe, expect, it } from "vitest";
import { readStats } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import {
  numbers,
  numbersOf,
  publishNumbers,
  queryOf,
  received,
  resumed,
  withLastEventId,
} from "../../support/numbered.ts";
import { type RuntimeUnderTest, startService } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";

/** More than one page of a replay. */
const MANY = 10_001;
const VERY_MANY = 100_000;

export function replaySuite(runtime: RuntimeUnderTest): void {
  describe("a replay", () => {
    afterEach(closeClients);
    bringsAll(runtime, MANY, { REALTIME_HISTORY_MESSAGES: "20000" });
  });
}

/** A replay of many messages, which takes long. */
export function longReplaySuite(runtime: RuntimeUnderTest): void {
  describe("a long replay", () => {
    afterEach(closeClients);
    whilePublishing(runtime);
    bringsAll(runtime, VERY_MANY, {
      REALTIME_HISTORY_MESSAGES: "200000",
      REALTIME_HISTORY_BYTES: String(64 * 1024 * 1024),
    });
  });
}

function whilePublishing(runtime: RuntimeUnderTest): void {
  it("goes live without a gap or repeat for all clients that resume during a flood of messages", async () => {
    const [before, during] = [2000, 800];
    const { url, stop } = await startService(runtime);
    const watch = await openStream(url, {}, "?topic=pour");
    // Each replay has several pages, and other clients publish between them.
    const text = "x".repeat(300);
    await publishNumbers(url, "pour", 1, before, { text });
    await watch.receive(before);
    const pouring = publishNumbers(url, "pour", before + 1, before + during, { text, batch: 4 });
    const positions = [0, 1, 2, 250, 999, 1000, 1500, 1900, 1999, 2000];
    const clients = await Promise.all(
      positions.map((position) => {
        const id = position === 0 ? watch.clientId : watch.events[position - 1]?.id;
        return openStream(url, withLastEventId(id), queryOf(["pour"]));
      }),
    );
    // More clients connect later, from the newest message at that time.
    await watch.receive(before + during / 4);
    for (let late = 0; late < 5; late++) {
      positions.push(watch.events.length);
      clients.push(await openStream(url, withLastEventId(watch.events.at(-1)?.id), "?topic=pour"));
    }
    await pouring;
    const all = await received(url, "pour", watch, ...clients);
    for (const [index, events] of all.entries()) {
      const from = index === 0 ? 0 : (positions[index - 1] ?? 0);
      expect([from, numbersOf(events)]).toEqual([from, numbers(from + 1, before + during)]);
      const resumes = events.filter(({ event }) => event === "PB_RESUME");
      expect(resumes).toHaveLength(index === 0 ? 0 : 1);
    }
    for (const client of clients) expect(await resumed(client)).toMatchObject({ recovered: true });
    // Every client gets the same cursors, replayed or live.
    const idsOf = new Map(watch.events.map(({ data, id }) => [data, id]));
    for (const { events } of clients) {
      for (const { event, data, id } of events) {
        if (event !== "PB_RESUME") expect(id).toBe(idsOf.get(data));
      }
    }
    expect(await readStats(url)).toMatchObject({
      recovered: clients.length,
      unrecovered: 0,
      disconnects: { slow: 0, stale: 0, error: 0 },
    });
    await stop();
  });

  it("misses and repeats nothing for clients that reconnect repeatedly during a flood of messages", async () => {
    const rounds = 15;
    const { url, stop } = await startService(runtime);
    const origin = await openStream(url);
    // Publishes until the last client has reconnected, because each round waits for further messages.
    let [total, isOver] = [0, false];
    const pour = async () => {
      for (; !isOver; total += 3) await publishNumbers(url, "pour", total + 1, total + 3);
    };
    const pouring = pour();
    const found = await Promise.all(
      numbers(1, 4).map(async (index) => {
        const got: number[] = [];
        let id: string | undefined = origin.clientId;
        for (let round = 0; round < rounds; round++) {
          const client = await openStream(url, withLastEventId(id), "?topic=pour");
          await client.receive(index * 2);
          // When the connection breaks, a browser has the complete events so far.
          const events = [...client.events];
          client.close();
          got.push(...numbersOf(events));
          id = events.at(-1)?.id;
        }
        return { got, id };
      }),
    ).finally(() => {
      isOver = true;
    });
    await pouring;
    for (const { got, id } of found) {
      const last = await openStream(url, withLastEventId(id), "?topic=pour");
      const [events = []] = await received(url, "pour", last);
      expect([...got, ...numbersOf(events)]).toEqual(numbers(1, total));
    }
    await stop();
  });
}

function bringsAll(runtime: RuntimeUnderTest, count: number, env: Record<string, string>): void {
  it(`sends all of ${count} messages, in order`, async () => {
    const { url, stop } = await startService(runtime, { env });
    const origin = await openStream(url);
    await publishNumbers(url, "many", 1, count);
    const client = await openStream(url, withLastEventId(origin.clientId), "?topic=many");
    expect(await resumed(client)).toEqual({ recovered: true, replayed: count });
    const [events = []] = await received(url, "many", client);
    expect(events.at(-1)?.event).toBe("PB_RESUME");
    // Compared as one text, because a list of differences would be too long to read.
    expect(numbersOf(events).join() === numbers(1, count).join()).toBe(true);
    expect(await readStats(url)).toMatchObject({ replayed: count, recovered: 1 });
    await stop();
  });
}
