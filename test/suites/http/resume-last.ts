import { expect, it } from "vitest";
import { postJSON, setSubscriptions } from "../../support/api.ts";
import { queryOf, resumed, withLastEventId } from "../../support/numbered.ts";
import { subscriptionKey } from "../../support/subscription-key.ts";
import type { Heard, Open, Post } from "./resume-by-post.ts";

/** A stream that comes back with a place, and has keys that begin with their newest messages. */
export function resumeWithLast(url: () => string, open: Open, post: Post, heard: Heard): void {
  const newest = (topic: string) => subscriptionKey(topic, { last: 3 });

  /** Publishes 1 to 5. A client with `key` receives 3 to 5, leaves after 4, and misses 6. Returns the id of message 4. */
  const left = async (topic: string): Promise<string> => {
    for (const n of [1, 2, 3, 4, 5]) await post(topic, n);
    const client = await open(queryOf([newest(topic)]));
    const events = await client.receive(3);
    expect(events.map(({ data }) => JSON.parse(data).n)).toEqual([3, 4, 5]);
    client.close();
    await post(topic, 6);
    return events[1]?.id ?? "";
  };

  it("does not bring the newest messages again that a key in the address begins with", async () => {
    const place = await left("back/address");
    const keys = [newest("back/address"), "back/address"];
    const client = await open(queryOf(keys), withLastEventId(place));
    expect(await resumed(client)).toEqual({ recovered: true, replayed: 2 });
    expect(await heard("back/address", client)).toEqual([[5, 5, 6, 6]]);
  });

  it("does not bring the newest messages again that the parameter `last` asks for", async () => {
    const place = await left("back/parameter");
    const query = queryOf(["back/parameter"], { last: "3" });
    const client = await open(query, withLastEventId(place));
    expect(await resumed(client)).toEqual({ recovered: true, replayed: 2 });
    expect(await heard("back/parameter", client)).toEqual([[5, 6]]);
  });

  it.each(["", "?last=3"])(
    "does not bring the newest messages again of keys in the first POST, with the address %j",
    async (query) => {
      const topic = `back/post${query.length}`;
      const place = await left(topic);
      const client = await open(query, withLastEventId(place));
      await setSubscriptions(url(), client.clientId, [newest(topic), newest("back/quiet")]);
      expect(await resumed(client)).toEqual({ recovered: true, replayed: 2 });
      await setSubscriptions(url(), client.clientId, [newest(topic)]);
      expect(await heard(topic, client)).toEqual([[5, 6]]);
    },
  );

  it("does not bring the newest messages again of keys in a POST that has the place itself", async () => {
    const lastEventId = await left("back/body");
    const client = await open("");
    const subscriptions = [newest("back/body")];
    await postJSON(url(), "/api/realtime", {
      clientId: client.clientId,
      subscriptions,
      lastEventId,
    });
    expect(await resumed(client)).toEqual({ recovered: true, replayed: 2 });
    expect(await heard("back/body", client)).toEqual([[5, 6]]);
  });

  it("brings nothing if it is the newest place of the log", async () => {
    await left("back/nothing");
    const place = await post("back/nothing", 7);
    const inAddress = await open(queryOf([newest("back/nothing")]), withLastEventId(place));
    const inPost = await open("", withLastEventId(place));
    await setSubscriptions(url(), inPost.clientId, [newest("back/nothing")]);
    for (const client of [inAddress, inPost]) {
      expect(await resumed(client)).toEqual({ recovered: true, replayed: 0 });
    }
    expect(await heard("back/nothing", inAddress, inPost)).toEqual([[], []]);
  });

  it("brings the newest messages of a key that is added later, and repeats nothing of the others", async () => {
    const place = await left("back/first");
    for (const n of [11, 12, 13, 14]) await post("back/added", n);
    const client = await open("", withLastEventId(place));
    await setSubscriptions(url(), client.clientId, [newest("back/first")]);
    await resumed(client);
    const keys = [newest("back/first"), newest("back/added")];
    await setSubscriptions(url(), client.clientId, keys);
    expect(await heard("back/first", client)).toEqual([[5, 6, 12, 13, 14]]);
  });

  it("brings the newest messages if the log does not know the place", async () => {
    await left("back/lost");
    const client = await open("", withLastEventId("0-otherlife0-7"));
    await setSubscriptions(url(), client.clientId, [newest("back/lost")]);
    expect(await resumed(client)).toEqual({ recovered: false });
    expect(await heard("back/lost", client)).toEqual([[4, 5, 6]]);
  });
}
