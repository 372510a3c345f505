/** The hooks of the PocketBase bridge and a real Pocketwire. */
import { afterEach, expect, it } from "vitest";
import { readStats } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { COLLECTIONS, minute, save } from "../../support/pocketbase/blog.ts";
import { PocketBaseStub } from "../../support/pocketbase/pocketbase.ts";
import { NODE, startService } from "../../support/service.ts";
import { openStream, type SSEClient } from "../../support/sse-client.ts";

afterEach(closeClients);

const PORT = "18453";

const eventsOf = ({ events }: SSEClient): unknown[] =>
  events.filter(({ event }) => event === "posts/*").map(({ data }) => JSON.parse(data));

/** The record event of a post. No client gets its hidden field `secret`. */
const event = (action: string, n: number) => ({
  action,
  record: { id: "r1", n, collectionId: "pbc_posts", collectionName: "posts" },
});

it("Pocketwire takes what the hooks send, and gets what it missed when it is back", async () => {
  const first = await startService(NODE, { env: { PORT } });
  const stub = new PocketBaseStub(COLLECTIONS, { POCKETWIRE_URL: first.url });
  const client = await openStream(first.url, {}, "?topic=posts/*");
  const healthy = await stub.run([save(1, { secret: "s" }), save(2)]);
  expect(healthy).toMatchObject({ errors: [], queue: [] });
  await client.receive(2);
  expect(eventsOf(client)).toEqual([event("create", 1), event("update", 2)]);
  await first.stop();

  const away = await stub.run([save(3), save(4), { do: "delete", collection: "posts", id: "r1" }]);
  expect(away.errors).toEqual([]);
  expect(away.queue).toHaveLength(3);

  const second = await startService(NODE, { env: { PORT } });
  const later = await openStream(second.url, {}, "?topic=posts/*");
  const back = await stub.run([minute]);
  expect(back).toMatchObject({ errors: [], queue: [] });
  await later.receive(3);
  expect(eventsOf(later)).toEqual([event("update", 3), event("update", 4), event("delete", 4)]);
  expect(await readStats(second.url)).toMatchObject({ accepted: 3, duplicate: 0 });
  await second.stop();
});

it("Pocketwire refuses a record that is too large, and the hooks set only this record aside", async () => {
  const service = await startService(NODE, { env: { REALTIME_MAX_MESSAGE_BYTES: "2000" } });
  const stub = new PocketBaseStub(COLLECTIONS, { POCKETWIRE_URL: service.url });
  const large = save(2, { data: "x".repeat(3000) });
  const { queue } = await stub.run([
    save(1),
    large,
    { do: "delete", collection: "posts", id: "r1" },
  ]);
  // The delete carries the large record too.
  expect(queue.map(({ seq }) => seq)).toEqual([2, 3]);
  expect(queue[0]?.refused).toMatch(/^413 .*2000/);
  expect(await readStats(service.url)).toMatchObject({ accepted: 1 });
  await service.stop();
});

it("Pocketwire answers the GET that Go sends after a redirect in a way that the hooks recognize", async () => {
  const service = await startService(NODE);
  const answer = await fetch(`${service.url}/api/realtime/messages`);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ status: 400, data: { topic: {} } });
  await service.stop();
});

it("Pocketwire answers a wrong key with 401, and the hooks keep their messages", async () => {
  const service = await startService(NODE);
  const env = { POCKETWIRE_URL: service.url, REALTIME_ADMIN_KEY: "another-key-of-24-letters" };
  const { queue, log } = await new PocketBaseStub(COLLECTIONS, env).run([save(1), save(2)]);
  expect(queue.map(({ refused }) => refused)).toEqual(["", ""]);
  expect(log).toEqual([expect.stringContaining("Set REALTIME_ADMIN_KEY")]);
  await service.stop();
});
