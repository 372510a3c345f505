import { expect, it } from "vitest";
import type { ClientWorld } from "../../support/client-world.ts";
import { eventually } from "../../support/deadline.ts";
import { numbers } from "../../support/numbered.ts";

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

export function subscribeTests(world: ClientWorld): void {
  it("receives messages with topic, id and time, until the subscription ends", async () => {
    const client = world.open();
    expect(client.realtime.status).toBe("idle");
    const chat = client.collect("chat/1");
    const wildcard = client.collect("chat/*");
    const all = client.collect("*");
    await client.connected();
    await world.post(
      { topic: "chat/1", data: { text: "hello" }, id: "sub-1" },
      { topic: "chat/2", data: null, id: "sub-2" },
      { topic: "other", data: 3, id: "sub-3" },
    );
    const one = { topic: "chat/1", data: { text: "hello" }, id: "sub-1", at: TIME };
    const two = { topic: "chat/2", data: null, id: "sub-2", at: TIME };
    await all.receive(3);
    expect(chat.messages).toEqual([one]);
    expect(wildcard.messages).toEqual([one, two]);
    expect(all.messages).toEqual([one, two, { topic: "other", data: 3, id: "sub-3", at: TIME }]);
    chat.off();
    chat.off();
    await world.post({ topic: "chat/1", data: 4 }, { topic: "chat/1", data: 5 });
    await all.receive(5);
    expect(chat.messages).toHaveLength(1);
    expect(wildcard.messages).toHaveLength(4);
    expect(client.errors).toEqual([]);
  });

  it("tells its status from idle to closed", async () => {
    const client = world.open();
    const first = client.collect("status/1");
    await client.connected();
    expect(client.realtime.clientId).toMatch(/^\d+-/);
    first.off();
    await eventually(() => client.realtime.status === "idle", "the client is idle");
    expect(client.realtime.clientId).toBe(undefined);
    client.collect("status/2");
    await client.connected();
    client.realtime.close();
    await eventually(() => client.realtime.status === "closed", "the client is closed");
    const cycle = ["connecting", "connected"];
    expect(client.statuses).toEqual([...cycle, "idle", ...cycle, "closed"]);
  });

  it("begins with the newest messages, for each subscription of a topic", async () => {
    await world.post(...numbers(1, 5).map((n) => ({ topic: "begin", data: { n } })));
    const client = world.open();
    const two = client.collect("begin", { last: 2 });
    await two.receive(2);
    const again = client.collect("begin", { last: 2 });
    const four = client.collect("begin", { last: 4 });
    const live = client.collect("begin");
    await four.receive(4);
    await again.receive(2);
    await client.connected();
    await world.post({ topic: "begin", data: { n: 6 } });
    await live.receive(1);
    await eventually(() => four.messages.length === 5, "the live message arrives everywhere");
    expect([two, again, four, live].map((one) => one.numbers())).toEqual([
      [4, 5, 6],
      [4, 5, 6],
      [2, 3, 4, 5, 6],
      [6],
    ]);
  });

  it("receives what filter and fields choose", async () => {
    const client = world.open();
    const chosen = client.collect("stock", { filter: "n > 1", fields: "n" });
    await client.connected();
    await world.post(
      { topic: "stock", data: { n: 1, text: "a" } },
      { topic: "stock", data: { n: 2, text: "b" } },
    );
    expect(await chosen.receive(1)).toEqual([{ n: 2 }]);
  });

  it("receives records with their action, and those that actions, changed and leave choose", async () => {
    const client = world.open();
    const posts = client.collect("posts/*", { filter: "open = true", leave: true });
    const titles = client.collect("posts/*", { actions: "update", changed: "title" });
    await client.connected();
    const post = { id: "r1", title: "a", open: true, votes: 1 };
    const collection = "posts";
    await world.post(
      { collection, action: "create", record: post },
      { collection, action: "update", record: { ...post, votes: 2 }, previous: post },
      { collection, action: "update", record: { ...post, title: "b" }, previous: post },
      { collection, action: "update", record: { ...post, open: false }, previous: post },
      { collection, action: "update", record: { ...post, title: "end" }, previous: post },
    );
    await eventually(() => titles.messages.length === 2, "two titles have changed");
    expect(titles.messages.map(({ record }) => record?.title)).toEqual(["b", "end"]);
    await posts.receive(5);
    expect(posts.messages.map(({ action, record, topic }) => [topic, action, record?.id])).toEqual([
      ["posts/r1", "create", "r1"],
      ["posts/r1", "update", "r1"],
      ["posts/r1", "update", "r1"],
      ["posts/r1", "leave", "r1"],
      ["posts/r1", "update", "r1"],
    ]);
  });

  it("misses and repeats nothing while subscriptions are added and removed", async () => {
    const client = world.open();
    const kept = client.collect("flow/*");
    const one = client.collect("flow/1");
    await client.connected();
    let n = 0;
    let isOver = false;
    const publishing = (async () => {
      while (!isOver) await world.post({ topic: `flow/${n % 2}`, data: { n: ++n } });
    })();
    const others: ReturnType<typeof client.collect>[] = [];
    for (let round = 1; round <= 20; round++) {
      const options = round % 3 === 0 ? { last: 5 } : {};
      others.push(client.collect(`flow/${round % 2}`, options));
      await eventually(() => kept.messages.length >= round * 5, `round ${round}`);
      if (round % 4 === 0) others.splice(0, 2).map(({ off }) => off());
    }
    isOver = true;
    await publishing;
    await kept.receive(n);
    expect(kept.numbers()).toEqual(numbers(1, n));
    expect(one.numbers()).toEqual(numbers(1, n).filter((value) => (value - 1) % 2 === 1));
    for (const other of others) {
      const got = other.numbers();
      const first = got[0] ?? 0;
      await eventually(() => (other.numbers().at(-1) ?? 0) >= n - 1, "the last message arrives");
      const wanted = numbers(first, n).filter((value) => (value - first) % 2 === 0);
      expect(other.numbers()).toEqual(wanted);
    }
    expect(client.gaps()).toBe(0);
    expect(client.errors).toEqual([]);
  });
}
