import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publish, readStats, setSubscriptions } from "../../support/api.ts";
import { eventually } from "../../support/deadline.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";
import { openStream, type SSEClient } from "../../support/sse-client.ts";

export function deliverySuite(runtime: RuntimeUnderTest): void {
  describe("delivery", () => {
    const { subscribed, leave, service } = deliveryWorld(runtime, {
      REALTIME_MAX_MESSAGE_BYTES: "1048576",
    });
    /** Publishes a last message to all clients and returns the names of the events before it. */
    const received = async (client: SSEClient) => {
      await eventually(
        () => client.events.some(({ data }) => data === '"end"'),
        "the last message",
      );
      return client.events.filter(({ data }) => data !== '"end"').map(({ event }) => event);
    };

    it("writes the subscription key as the event, one line of JSON, and a cursor", async () => {
      const key = `chat?options=${encodeURIComponent('{"query":{"a":1}}')}`;
      const client = await subscribed(key);
      await publish(service.url, { topic: "chat", data: { text: "two\nlines", emoji: "🎉" } });
      const [event] = await client.receive(1);
      expect(event).toEqual({
        event: key,
        data: '{"text":"two\\nlines","emoji":"🎉"}',
        id: expect.stringMatching(/^0-\w+-\d+$/),
      });
      await leave(client);
    });

    it("reaches the topic itself, every prefix with /*, and *", async () => {
      const keys = ["a/b/c", "a/b/*", "a/*", "*", "a/b", "a/b/c/*", "b/*", "a", "A/*"];
      const client = await subscribed(...keys);
      await publish(service.url, { topic: "a/b/c", data: 1 });
      await publish(service.url, { topic: "a/b", data: "end" });
      const names = await received(client);
      expect(names.toSorted()).toEqual(["*", "a/*", "a/b/*", "a/b/c"]);
      await leave(client);
    });

    it("delivers a record event by collection name and id, by record, and under the old alias", async () => {
      const record = { id: "r1", collectionId: "pbc_1", collectionName: "posts", title: "x" };
      const yes = ["posts/*", "posts/r1", "posts", "pbc_1/*", "pbc_1/r1", "pbc_1"];
      const client = await subscribed(...yes, "posts/r2", "comments/*", "pbc_2", "end");
      await publish(service.url, [
        { collection: "posts", action: "update", record },
        { topic: "end", data: "end" },
      ]);
      expect((await received(client)).toSorted()).toEqual(yes.toSorted());
      expect(JSON.parse(client.events[0]?.data ?? "")).toEqual({ action: "update", record });
      await leave(client);
    });

    it("delivers once for each key of a client, also when the client sent the key several times", async () => {
      const options = (name: string) =>
        `t?options=${encodeURIComponent(`{"query":{"n":"${name}"}}`)}`;
      const client = await subscribed("t", "t", options("a"), options("b"), "end");
      await publish(service.url, { topic: "t", data: 1 });
      await publish(service.url, { topic: "end", data: "end" });
      expect((await received(client)).toSorted()).toEqual(
        ["t", options("a"), options("b")].toSorted(),
      );
      await leave(client);
    });

    it("delivers every JSON value unchanged, including names like __proto__", async () => {
      const client = await subscribed("json/*");
      const data =
        '{"__proto__":{"a":1},"constructor":null,"n":-0.5,"s":"\\u2028\\u2029\\u0085\\ud800"}';
      await publish(service.url, `{"topic":"json/a","data":${data}}`);
      await publish(
        service.url,
        '{"collection":"json","action":"create","record":{"id":"1","__proto__":{"b":2}}}',
      );
      const events = await client.receive(2);
      // Escaped as by Go's encoder, because some readers end a line at these characters.
      expect(events[0]?.data).toBe(data);
      expect(events[1]?.data).toBe('{"action":"create","record":{"id":"1","__proto__":{"b":2}}}');
      await leave(client);
    });

    it("delivers a message of nearly the whole body limit", async () => {
      const client = await subscribed("large");
      const data = "é".repeat(500_000);
      expect((await publish(service.url, { topic: "large", data })).status).toBe(200);
      const [event] = await client.receive(1);
      expect(event?.data === JSON.stringify(data)).toBe(true);
      await leave(client);
    });

    for (const count of [1, 100]) reachesExactly(count, { subscribed, leave, service });
  });
}

/** Delivery to many clients, which takes long. */
export function largeDeliverySuite(runtime: RuntimeUnderTest): void {
  describe("delivery to many", () => {
    // Pings are rare: the pings of a thousand clients would be a load of their own.
    reachesExactly(1000, deliveryWorld(runtime, { REALTIME_PING_SECONDS: "2" }));
  });
}

interface DeliveryWorld {
  readonly service: { readonly url: string };
  readonly subscribed: (...keys: string[]) => Promise<SSEClient>;
  readonly leave: (...clients: readonly SSEClient[]) => Promise<void>;
}

/** One service for the tests of a `describe`. */
function deliveryWorld(
  runtime: RuntimeUnderTest,
  env: Readonly<Record<string, string>>,
): DeliveryWorld {
  let running: Service;
  beforeAll(async () => {
    running = await startService(runtime, { env });
  });
  afterAll(() => running.stop());
  const service = {
    get url() {
      return running.url;
    },
  };
  const subscribed = async (...keys: string[]): Promise<SSEClient> => {
    const client = await openStream(service.url);
    await setSubscriptions(service.url, client.clientId, keys);
    return client;
  };
  const leave = async (...clients: readonly SSEClient[]) => {
    for (const client of clients) client.close();
    await eventually(
      async () => (await readStats(service.url)).clients === 0,
      "all clients are removed",
      30_000,
    );
  };
  return { service, subscribed, leave };
}

function reachesExactly(count: number, { service, subscribed, leave }: DeliveryWorld): void {
  it(`reaches exactly the subscribed clients out of ${count}, in publish order`, async () => {
    const clients: SSEClient[] = [];
    for (let opened = 0; opened < count; opened += 100) {
      const some = Math.min(100, count - opened);
      const batch = Array.from({ length: some }, (_, index) =>
        subscribed(...((opened + index) % 2 === 0 ? ["even", "all/*"] : ["odd", "all/*"])),
      );
      clients.push(...(await Promise.all(batch)));
    }
    for (let i = 0; i < 10; i++) {
      await publish(service.url, { topic: "even", data: i });
      await publish(service.url, [
        { topic: "odd", data: i },
        { topic: "all/x", data: i },
      ]);
    }
    const inOrder = (topic: string) =>
      Array.from({ length: 10 }, (_, i) => [`${topic} ${i}`, `all/* ${i}`]).flat();
    for (const [index, client] of clients.entries()) {
      const events = await client.receive(20, `client ${index} of ${count} gets 20`);
      const wanted = inOrder(index % 2 === 0 ? "even" : "odd");
      expect(events.map(({ event, data }) => `${event} ${data}`)).toEqual(wanted);
      expect(new Set(events.map(({ id }) => id)).size).toBe(20);
    }
    await leave(...clients);
  }, 60_000);
}
