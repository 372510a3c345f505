/** The newest messages first, as the official PocketBase SDK asks for them. */
import { expect, it } from "vitest";
import { eventually } from "../support/deadline.ts";
import type { SDKWorld } from "../support/sdk-client.ts";

export function newest(world: SDKWorld): void {
  const post = async (topic: string, from: number, to: number) => {
    for (let n = from; n <= to; n++) await world.post({ topic, data: { n } });
  };
  const heardOf = (topic: string, ...all: number[]) => all.map((n) => [topic, { n }]);

  it.each([{ query: { last: 3 } }, { last: 3 }, { query: { last: "3" } }])(
    "gets the newest messages first, then live ones, when it subscribes with %j",
    async (options) => {
      const topic = `newest/${JSON.stringify(options)}`;
      await post(topic, 1, 5);
      await world.post({ topic: "other", data: { n: 6 } });
      const client = await world.open();
      await client.subscribe(topic, options);
      await post(topic, 7, 8);
      const expected = heardOf(topic, 3, 4, 5, 7, 8);
      expect(await client.heard()).toEqual(expected);
      await client.subscribe("other");
      await client.subscribe("other", { query: { last: 1 } }, "other's newest");
      await post(topic, 9, 9);
      expect(await client.heard()).toEqual([
        ...expected,
        ["other's newest", { n: 6 }],
        ...heardOf(topic, 9),
      ]);
    },
  );

  it("gets the newest messages when that topic is its first subscription, and before messages published meanwhile", async () => {
    await post("first-of-all", 1, 30);
    const client = await world.open();
    await client.pb.realtime.unsubscribe();
    await world.clients(0);
    const subscribed = client.subscribe("first-of-all", { query: { last: 20 } });
    const posted = post("first-of-all", 31, 60);
    await Promise.all([subscribed, posted]);
    const numbers = () => client.noted.map(([, data]) => (data as { n: number }).n);
    await eventually(() => numbers().at(-1) === 60, "the last message");
    // Only the server knows the newest message at the time of the subscription.
    const [first = 0] = numbers();
    expect(first).toBeGreaterThanOrEqual(11);
    expect(numbers()).toEqual(Array.from({ length: 61 - first }, (_, index) => first + index));
    expect(numbers().length).toBeGreaterThanOrEqual(20);
  });

  it("does not get the newest messages again when it adds or removes a second listener of the topic", async () => {
    await post("again", 1, 4);
    const client = await world.open();
    const options = { query: { last: 2 } };
    const leave = await client.subscribe("again", options, "first");
    await client.heard();
    await client.subscribe("again", options, "second");
    await leave();
    await post("again", 5, 5);
    const first = [3, 4].map((n) => ["first", { n }]);
    expect(await client.heard()).toEqual([...first, ["second", { n: 5 }]]);
  });
}
