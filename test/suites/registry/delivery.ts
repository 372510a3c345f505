import { afterEach, describe, expect, it } from "vitest";
import { RecordingSink } from "../../support/recording-sink.ts";
import { type OpenRegistry, RegistryOpener, type TestClient } from "./context.ts";

/** Delivery to many clients, which takes long. */
export function largeDeliveryTests(open: OpenRegistry): void {
  const opener = new RegistryOpener(open);
  afterEach(() => opener.closeAll());
  describe("a message to many", () => {
    reachesSubscribed(1000, opener);
  });
}

function reachesSubscribed(size: number, opener: RegistryOpener): void {
  it(`reaches the subscribed clients in order, with ${size} clients`, async () => {
    const test = await opener.open();
    const groups: [string[], TestClient[]][] = [
      [["chat"], []],
      [["chat", "news"], []],
      [["news"], []],
      [[], []],
    ];
    for (let count = 0; count < size; count += 1) {
      const [keys, clients] = groups[count % groups.length] ?? [[], []];
      clients.push(await test.connect(keys));
    }
    const messages = Array.from({ length: 10 }, (_, index) => ({
      topic: index % 2 === 0 ? "chat" : "news",
      data: index,
    }));
    await test.publish(...messages.slice(0, 7));
    await test.publish(...messages.slice(7));
    await test.settle(...groups.flatMap(([, clients]) => clients));
    for (const [keys, clients] of groups) {
      const expected = messages.filter(({ topic }) => keys.includes(topic));
      const received = expected.map(({ topic, data }) => [topic, data]);
      for (const client of clients) expect(client.received()).toEqual(received);
    }
  });
}

/** Recipients and order of deliveries. */
export function deliveryTests(open: OpenRegistry): void {
  const opener = new RegistryOpener(open);
  afterEach(() => opener.closeAll());

  describe("a published message", () => {
    for (const size of [1, 100]) reachesSubscribed(size, opener);

    it("has a unique id, which is the same for every client", async () => {
      const test = await opener.open();
      const clients = [await test.connect(["chat"]), await test.connect(["chat"])];
      await test.publish({ topic: "chat", data: 1 }, { topic: "chat", data: 2 });
      await test.settle(...clients);
      const [first = [], second = []] = clients.map(({ sink }) => sink.events.map(({ id }) => id));
      expect(new Set(first).size).toBe(3);
      for (const id of first) expect(id).toMatch(/^[!-~]+$/);
      expect(first.map(shardless)).toEqual(second.map(shardless));
    });

    it("arrives as one line of JSON, whatever its data", async () => {
      const test = await opener.open();
      const client = await test.connect(["chat"]);
      const values = [null, 0, false, "", [], {}, "a\r\nb\0\u2028 🦊 \ud800", { a: [{ b: "\n" }] }];
      await test.publish(...values.map((data) => ({ topic: "chat", data })));
      await test.settle(client);
      expect(client.sink.data("chat")).toEqual(values);
      expect(client.sink.faults).toEqual([]);
      for (const { data } of client.sink.events) expect(data).not.toMatch(/[\r\n]/);
    });

    it("arrives whole when its data has a mebibyte", async () => {
      const test = await opener.open();
      const client = await test.connect(["chat"]);
      const data = "0123456789abcdef".repeat(65_536);
      await test.publish({ topic: "chat", data });
      await test.settle(client);
      expect(client.sink.data("chat")).toEqual([data]);
    });

    it("to a topic without subscriptions is accepted", async () => {
      const test = await opener.open();
      const client = await test.connect(["chat"]);
      const receipts = await test.publish({ topic: "nobody", data: 1, id: "m1" });
      expect(receipts).toEqual([{ id: "m1", duplicate: false }]);
      await test.settle(client);
      expect(client.received()).toEqual([]);
    });

    it("can be one of a thousand in a batch, which arrive in order", async () => {
      const test = await opener.open();
      const client = await test.connect(["chat"]);
      const numbers = Array.from({ length: 1000 }, (_, index) => index);
      await test.publish(...numbers.map((data) => ({ topic: "chat", data })));
      await test.settle(client);
      expect(client.sink.data("chat")).toEqual(numbers);
    });

    it("arrives at all clients of a shard in the same order when several are published at once", async () => {
      const test = await opener.open();
      const clients: TestClient[] = [];
      for (let count = 0; count < 10; count += 1) clients.push(await test.connect(["chat"]));
      const numbers = Array.from({ length: 50 }, (_, index) => index);
      await Promise.all(numbers.map((data) => test.publish({ topic: "chat", data })));
      await test.settle(...clients);
      const orders = new Map<string, unknown[]>();
      for (const { clientId, sink } of clients) {
        const order = sink.data("chat");
        const [shard = ""] = clientId.split("-");
        expect(order.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers);
        expect(order).toEqual(orders.get(shard) ?? order);
        orders.set(shard, order);
      }
    });

    it("that is private reaches no guest", async () => {
      const test = await opener.open();
      const guest = await test.connect(["chat", "chat/*", "*", "posts/*", "posts"]);
      await test.publish(
        { topic: "chat", data: 1, private: true },
        { collection: "posts", action: "create", record: { id: "r1" }, private: true },
      );
      const [receipt] = await test.publish({ topic: "chat", data: 2, id: "p", private: true });
      expect(receipt).toEqual({ id: "p", duplicate: false });
      await test.settle(guest);
      // `*` matches the fence as well.
      expect(guest.received()).toEqual([["*", 1]]);
    });
  });

  describe("a message published again", () => {
    it("is reported as a duplicate and not delivered", async () => {
      const test = await opener.open();
      const client = await test.connect(["chat"]);
      const chat = (id: string, data: number) => ({ topic: "chat", id, data });
      expect(await test.publish(chat("m1", 1), chat("m2", 2), chat("m1", 1))).toEqual([
        { id: "m1", duplicate: false },
        { id: "m2", duplicate: false },
        { id: "m1", duplicate: true },
      ]);
      expect(await test.publish(chat("m2", 2), chat("m3", 5))).toEqual([
        { id: "m2", duplicate: true },
        { id: "m3", duplicate: false },
      ]);
      await test.settle(client);
      expect(client.sink.data("chat")).toEqual([1, 2, 5]);
    });
  });

  describe("a client that does not keep up", () => {
    it("is removed with `slow`, and the other clients get everything", async () => {
      const test = await opener.open();
      const before = await test.connect(["chat"]);
      const slow = await test.connect(["chat"], {}, new RecordingSink(2));
      const after = await test.connect(["chat"]);
      const numbers = [0, 1, 2, 3, 4];
      // One at a time, because messages that are published together may arrive as one frame.
      for (const data of numbers) await test.publish({ topic: "chat", data });
      expect(await slow.sink.ended()).toBe("slow");
      await test.settle(before, after);
      expect(before.sink.data("chat")).toEqual(numbers);
      expect(after.sink.data("chat")).toEqual(numbers);
      expect(slow.sink.data("chat")).toEqual([0, 1]);
      expect(slow.sink.closings).toEqual(["slow"]);
      expect(await test.find(slow.clientId)).toBeUndefined();
      expect((await test.registry.stats()).disconnects.slow).toBe(1);
    });

    it("may be the only subscribed client", async () => {
      const test = await opener.open();
      const slow = await test.connect(["chat", "*"], {}, new RecordingSink(0));
      const other = await test.connect();
      await test.publish({ topic: "chat", data: 1 }, { topic: "chat", data: 2 });
      expect(await slow.sink.ended()).toBe("slow");
      await test.settle(other);
      expect(slow.sink.closings).toEqual(["slow"]);
      expect((await test.registry.stats()).disconnects.slow).toBe(1);
    });
  });
}

/** The shard is part of a cursor, and clients may be on different shards. */
function shardless(id: string | undefined): string | undefined {
  return id?.replace(/^\d+-\w+-/, "");
}
