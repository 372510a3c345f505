import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postJSON, publish, readStats, setSubscriptions } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually } from "../../support/deadline.ts";
import { type Service, startService, WORKERD } from "../../support/service.ts";
import { openStream, type SSEClient } from "../../support/sse-client.ts";

const SHARDS = 4;
const CLIENTS = 1000;
const MESSAGES = 10;

describe(`${CLIENTS} streams over ${SHARDS} shards`, () => {
  let service: Service;
  const clients: SSEClient[] = [];
  const shardOf = (id: string | undefined) => id?.split("-")[0];

  beforeAll(async () => {
    const env = { REALTIME_SHARDS: String(SHARDS), REALTIME_PING_SECONDS: "2" };
    service = await startService(WORKERD, { env });
    for (let opened = 0; opened < CLIENTS; opened += 100) {
      const batch = Array.from({ length: 100 }, async () => {
        const client = await openStream(service.url);
        await setSubscriptions(service.url, client.clientId, ["all"]);
        return client;
      });
      clients.push(...(await Promise.all(batch)));
    }
  }, 120_000);
  afterAll(async () => {
    closeClients();
    await service.stop();
  });

  it("are spread over all shards", async () => {
    const shards = new Set(clients.map(({ clientId }) => shardOf(clientId)));
    expect([...shards].toSorted()).toEqual(["0", "1", "2", "3"]);
    expect(await readStats(service.url)).toMatchObject({
      clients: CLIENTS,
      subscriptions: CLIENTS,
    });
  });

  it("all receive every message in their shard's order, with cursors that name the shard", async () => {
    for (let n = 0; n < MESSAGES; n++) await publish(service.url, { topic: "all", data: n });
    for (const client of clients) {
      const events = await client.receive(MESSAGES);
      expect(events.map(({ data }) => Number(data))).toEqual(
        Array.from({ length: MESSAGES }, (_, n) => n),
      );
      for (const { id } of events) expect(shardOf(id)).toBe(shardOf(client.clientId));
    }
    expect(await readStats(service.url)).toMatchObject({
      accepted: MESSAGES,
      delivered: CLIENTS * MESSAGES,
      duplicate: 0,
    });
  });

  it("get a message once, however often its id is sent", async () => {
    const before = await readStats(service.url);
    const message = { topic: "all", data: "once", id: "the same" };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => publish(service.url, message)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const bodies = answers.map(({ body }) => JSON.stringify(body)).toSorted();
    const repeat = '{"id":"the same","duplicate":true}';
    expect(bodies).toEqual([repeat, repeat, repeat, repeat, '{"id":"the same"}']);
    await publish(service.url, { topic: "all", data: "after" });
    for (const client of clients) {
      const events = await client.receive(MESSAGES + 2);
      expect(events.slice(MESSAGES).map(({ data }) => data)).toEqual(['"once"', '"after"']);
    }
    const { delivered } = await readStats(service.url);
    expect(delivered - before.delivered).toBe(2 * CLIENTS);
  });

  it("a client id that names a missing shard is unknown", async () => {
    for (const clientId of ["4-V1StGXR8_Z5jdHi6B-myT", "999999999-x", "x", "-1-x", "1e1-x"]) {
      const answer = await postJSON(service.url, "/api/realtime", { clientId, subscriptions: [] });
      expect([clientId, answer.status]).toEqual([clientId, 404]);
    }
  });

  it("leave no clients or subscriptions behind", async () => {
    for (const client of clients) client.close();
    await eventually(
      async () => (await readStats(service.url)).clients === 0,
      "all clients are removed",
      60_000,
    );
    expect(await readStats(service.url)).toMatchObject({
      clients: 0,
      subscriptions: 0,
      topics: 0,
      disconnects: { client: CLIENTS, slow: 0, stale: 0, error: 0 },
    });
  }, 70_000);
});
