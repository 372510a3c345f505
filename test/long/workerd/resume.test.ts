import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { call, publish, readStats, setSubscriptions } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually } from "../../support/deadline.ts";
import {
  numbers,
  numbersOf,
  publishNumbers,
  received,
  resumed,
  withLastEventId,
} from "../../support/numbered.ts";
import { type Service, startService, WORKERD } from "../../support/service.ts";
import { openStream, type SSEClient } from "../../support/sse-client.ts";

/** workerd evicts an object after ten seconds in which nothing happened. */
const _EVICTION = 12_000;
const SHARDS = 3;

const shardOf = (id: string | undefined) => id?.split("-")[0];

describe("the log of a Worker that was restarted with the same storage", () => {
  afterEach(closeClients);

  const start = (state: string, env: Record<string, string> = {}) =>
    startService(WORKERD, { env: { WORKERD_STATE: state, ...env } });
  const folder = () => mkdtempSync(join(tmpdir(), "pocketwire-state-"));

  it("has every message, and each client continues from its cursor", async () => {
    const state = folder();
    const first = await start(state);
    const watch = await openStream(first.url, {}, "?topic=n");
    await publishNumbers(first.url, "n", 1, 1500, { text: "x".repeat(100) });
    await watch.receive(1500);
    const before = await call(first.url, "/api/realtime/messages?topic=n&limit=1000");
    await first.stop();
    const { url, stop } = await start(state);
    const positions = [0, 1, 750, 1499, 1500];
    const ids = [watch.clientId, ...watch.events.map(({ id }) => id)];
    const clients: SSEClient[] = [];
    for (const position of positions) {
      const client = await openStream(url, withLastEventId(ids[position]), "?topic=n");
      expect(await resumed(client)).toEqual({ recovered: true, replayed: 1500 - position });
      clients.push(client);
    }
    const after = await call(url, "/api/realtime/messages?topic=n&limit=1000");
    expect(after.body).toEqual(before.body);
    await publishNumbers(url, "n", 1501, 1510);
    const all = await received(url, "n", ...clients);
    for (const [index, position] of positions.entries()) {
      expect([position, numbersOf(all[index] ?? [])]).toEqual([
        position,
        numbers(position + 1, 1510),
      ]);
    }
    await stop();
  });

  it("reports a cursor as lost when the shard was missing meanwhile", async () => {
    const state = folder();
    const shards = (count: number) => start(state, { REALTIME_SHARDS: String(count) });
    const first = await shards(2);
    let watch = await openStream(first.url, {}, "?topic=n");
    while (shardOf(watch.clientId) !== "1") watch = await openStream(first.url, {}, "?topic=n");
    await publishNumbers(first.url, "n", 1, 5);
    await watch.receive(5);
    await first.stop();
    const second = await shards(1);
    await publishNumbers(second.url, "n", 6, 10);
    await second.stop();
    const { url, stop } = await shards(2);
    const client = await openStream(url, withLastEventId(watch.events.at(-1)?.id), "?topic=n");
    expect(shardOf(client.clientId)).toBe("1");
    expect(await resumed(client)).toEqual({ recovered: false });
    await publishNumbers(url, "n", 11, 12);
    const [events = []] = await received(url, "n", client);
    expect(numbersOf(events)).toEqual([11, 12]);
    await stop();
  });

  it("recognises message ids from before the restart, and applies the new limits", async () => {
    const state = folder();
    const first = await start(state);
    const watch = await openStream(first.url, {}, "?topic=n");
    await publish(first.url, { topic: "n", data: { n: 1 }, id: "the same" });
    await publishNumbers(first.url, "n", 2, 4);
    const ids = (await watch.receive(4)).map(({ id }) => id);
    await first.stop();
    const { url, stop } = await start(state, { REALTIME_HISTORY_MESSAGES: "2" });
    await publish(url, { topic: "n", data: { n: 1 }, id: "the same" });
    expect(await readStats(url)).toMatchObject({ accepted: 0, duplicate: 1 });
    const well = await openStream(url, withLastEventId(ids[1]), "?topic=n");
    expect(await resumed(well)).toEqual({ recovered: true, replayed: 2 });
    const lost = await openStream(url, withLastEventId(ids[0]), "?topic=n");
    expect(await resumed(lost)).toEqual({ recovered: false });
    await stop();
  });
});

describe(`a client that reconnects to ${SHARDS} shards`, () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService(WORKERD, { env: { REALTIME_SHARDS: String(SHARDS) } });
  });
  afterEach(closeClients);
  afterAll(() => service.stop());

  /** A stream on each shard. */
  const oneOnEach = async (query: string) => {
    const found = new Map<string | undefined, SSEClient>();
    await eventually(async () => {
      const client = await openStream(service.url, {}, query);
      const shard = shardOf(client.clientId);
      if (found.has(shard)) client.close();
      else found.set(shard, client);
      return found.size === SHARDS;
    }, "a stream on each shard");
    return numbers(0, SHARDS - 1).map((shard) => found.get(String(shard)) as SSEClient);
  };

  it("always connects to the shard of its cursor, and recovers", async () => {
    const watches = await oneOnEach("?topic=n");
    await publishNumbers(service.url, "n", 1, 20);
    for (const [shard, watch] of watches.entries()) {
      const ids = (await watch.receive(20)).map(({ id }) => id);
      for (const [index, id] of ids.entries()) {
        expect(shardOf(id)).toBe(String(shard));
        const init = index % 2 === 0 ? withLastEventId(id) : {};
        const query = index % 2 === 0 ? "?topic=n" : `?topic=n&lastEventId=${id}`;
        const client = await openStream(service.url, init, query);
        expect(shardOf(client.clientId)).toBe(String(shard));
        expect(await resumed(client)).toEqual({ recovered: true, replayed: 19 - index });
        expect(numbersOf(client.events)).toEqual(numbers(index + 2, 20));
        client.close();
      }
    }
  });

  it("gets `recovered: false` when the cursor's shard is missing, or when its POST names another shard", async () => {
    const client = await openStream(service.url, withLastEventId("3-somelife00-1"), "?topic=n");
    expect(await resumed(client)).toEqual({ recovered: false });
    const [zero, one] = await oneOnEach("");
    const query = `?topic=n&after=${one?.clientId}`;
    expect((await call(service.url, `/api/realtime/messages${query}`)).status).toBe(200);
    await setSubscriptions(service.url, zero?.clientId ?? "", []);
    const answer = await call(service.url, "/api/realtime", {
      method: "POST",
      body: new URLSearchParams({
        clientId: zero?.clientId ?? "",
        subscriptions: "n",
        lastEventId: one?.clientId ?? "",
      }),
    });
    expect(answer.status).toBe(204);
    expect(await resumed(zero as SSEClient)).toEqual({ recovered: false });
  });

  it("continues to read the history on the shard of its cursor", async () => {
    for (let time = 0; time < 10; time++) {
      const path = "/api/realtime/messages?topic=paged";
      const { body: page } = await call(service.url, path);
      await publishNumbers(service.url, "paged", time, time);
      const { status, body } = await call(service.url, `${path}&after=${page.cursor}`);
      expect([status, shardOf(body.cursor)]).toEqual([200, shardOf(page.cursor)]);
      expect(body.messages.map(({ data }: { data: { n: number } }) => data.n)).toEqual([time]);
    }
  });
});
