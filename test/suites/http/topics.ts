import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { call, publish, readStats, setSubscriptions } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually } from "../../support/deadline.ts";
import {
  numbers,
  numbersOf,
  publishNumbers,
  queryOf,
  received,
  resumed,
  withLastEventId,
} from "../../support/numbered.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";

/** Subscribing at connect, and the newest messages first. */
export function topicsSuite(runtime: RuntimeUnderTest): void {
  describe("GET /api/realtime?topic=", () => {
    let service: Service;
    beforeAll(async () => {
      service = await startService(runtime);
    });
    afterEach(async () => {
      closeClients();
      await eventually(
        async () => (await readStats(service.url)).clients === 0,
        "all clients are removed",
      );
    });
    afterAll(() => service.stop());
    subscribing(() => service.url);
    refusing(() => service.url);
    newest(() => service.url, runtime.perProcess !== undefined);
    cutBetweenKeys(() => service.url);
  });
}

const withOptions = (topic: string, options: unknown) =>
  `${topic}?options=${encodeURIComponent(JSON.stringify(options))}`;

function subscribing(url: () => string): void {
  it("subscribes to one topic or several, patterns and options as in a POST", async () => {
    const key = withOptions("keyed", { query: { a: "1&2=ü" }, headers: { "X-Token": "t" } });
    const topics = ["one", "a/*", key, "two words/новости?x=1", "", "one", ""];
    const client = await openStream(url(), {}, queryOf(topics));
    expect(await readStats(url())).toMatchObject({ clients: 1, subscriptions: 4 });
    const messages = ["one", "a/b/c", "keyed", "two words/новости?x=1", "two words/новости", "b"];
    await publish(
      url(),
      messages.map((topic, n) => ({ topic, data: { n } })),
    );
    const [events = []] = await received(url(), "one", client);
    expect(events.map(({ event, data }) => [event, data])).toEqual([
      ["one", '{"n":0}'],
      ["a/*", '{"n":1}'],
      [key, '{"n":2}'],
      ["two words/новости?x=1", '{"n":3}'],
    ]);
  });

  it("subscribes to nothing when every topic is empty", async () => {
    await openStream(url(), {}, "?topic=&topic=");
    expect(await readStats(url())).toMatchObject({ clients: 1, subscriptions: 0 });
  });

  it("is replaced by a POST, which starts new topics live", async () => {
    const client = await openStream(url(), {}, queryOf(["kept", "left"]));
    await publish(url(), [
      { topic: "left", data: { n: 1 } },
      { topic: "kept", data: { n: 2 } },
      { topic: "new", data: { n: 3 } },
    ]);
    await setSubscriptions(url(), client.clientId, ["kept", "new"]);
    await publish(url(), [
      { topic: "left", data: { n: 4 } },
      { topic: "kept", data: { n: 5 } },
      { topic: "new", data: { n: 6 } },
    ]);
    const [events = []] = await received(url(), "kept", client);
    expect(numbersOf(events)).toEqual([1, 2, 5, 6]);
  });
}

function refusing(url: () => string): void {
  const code = (code: string) => ({ code, message: expect.any(String) });
  const refused = async (query: string) => {
    const answer = await call(url(), `/api/realtime${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      status: 400,
      message: expect.any(String),
      data: expect.any(Object),
    });
    return answer.body.data as unknown;
  };

  it("refuses a key of 2501 characters by its index and accepts one of exactly 2500", async () => {
    const tooLong = queryOf(["a", "b".repeat(2501)]);
    expect(await refused(tooLong)).toEqual({ topic: { 1: code("validation_length_too_long") } });
    await openStream(url(), {}, queryOf(["a", "b".repeat(2500)]));
    expect(await readStats(url())).toMatchObject({ clients: 1, subscriptions: 2 });
  });

  it("refuses 1001 topics and accepts exactly 1000", async () => {
    const names = numbers(0, 1000).map((n) => n.toString(36));
    expect(await refused(queryOf(names))).toEqual({ topic: code("validation_length_too_long") });
    await openStream(url(), {}, queryOf(names.slice(1)));
    expect(await readStats(url())).toMatchObject({ clients: 1, subscriptions: 1000 });
  });

  it("refuses a line break or NUL in a topic, because it would become part of the stream", async () => {
    for (const topic of ["a\nb", "a\r", "\0a", "a\r\n\r\ndata: x", "a\u2028b", "\u2029", "a\x85"]) {
      const data = { topic: { 1: code("validation_match_invalid") } };
      expect(await refused(queryOf(["ok", topic]))).toEqual(data);
    }
  });

  it("refuses a `last` that is not a whole number from 0 to 1000", async () => {
    for (const last of ["-1", "1001", "1e2", "1.5", "x", "0x10", "9".repeat(30)]) {
      const data = { last: code("validation_match_invalid") };
      expect([last, await refused(queryOf(["a"], { last }))]).toEqual([last, data]);
    }
  });

  it("opens no stream for a refused request, and lets a page read the reason", async () => {
    const headers = { Origin: "https://example.com" };
    const answer = await call(url(), `/api/realtime${queryOf(["a\nb"])}`, { headers });
    expect(answer.status).toBe(400);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(await readStats(url())).toMatchObject({ clients: 0, subscriptions: 0 });
  });
}

/** @param hasProcesses Whether the next request goes to another process, which may receive messages a little later. */
function newest(url: () => string, hasProcesses: boolean): void {
  /** Waits until the newest message of a topic is the same in all three processes, which answer in turn. */
  const arrived = async (topic: string) => {
    const query = queryOf([topic], { limit: "1" });
    const newestId = async () =>
      (await call(url(), `/api/realtime/messages${query}`)).body.messages[0]?.id;
    await eventually(
      async () => new Set([await newestId(), await newestId(), await newestId()]).size === 1,
      "all processes have the messages",
    );
  };
  const heard = async (topic: string, query: string, init: RequestInit = {}) => {
    if (hasProcesses) await arrived(topic);
    const client = await openStream(url(), init, query);
    await publishNumbers(url(), topic, 1001, 1002);
    const [events = []] = await received(url(), topic, client);
    return { client, numbers: numbersOf(events) };
  };

  it("starts with up to ?last newest messages of each topic, then continues live", async () => {
    await publishNumbers(url(), "last/a", 1, 3);
    await publishNumbers(url(), "last/b", 4, 9);
    await publishNumbers(url(), "last/a", 10, 11);
    const query = queryOf(["last/a", "last/b"], { last: "3" });
    const { client, numbers } = await heard("last/a", query);
    expect(numbers).toEqual([3, 7, 8, 9, 10, 11, 1001, 1002]);
    expect(client.events.some(({ event }) => event === "PB_RESUME")).toBe(false);
  });

  it("starts with all of 1000, and with all of a shorter history", async () => {
    await publishNumbers(url(), "thousand", -100, 1000);
    const all = await heard("thousand", queryOf(["thousand"], { last: "1000" }));
    expect(all.numbers).toEqual([...numbers(1, 1000), 1001, 1002]);
    await publishNumbers(url(), "few", 1, 2);
    const few = await heard("few", queryOf(["few"], { last: "1000" }));
    expect(few.numbers).toEqual([1, 2, 1001, 1002]);
  });

  it.each([{ query: { last: 2 } }, { query: { last: "2" } }, { last: 2 }])(
    "starts with the newest messages of a key with the options %j, in the GET and in a POST",
    async (options) => {
      const topic = `options/${JSON.stringify(options)}`;
      await publishNumbers(url(), topic, 1, 4);
      if (hasProcesses) await arrived(topic);
      const key = withOptions(topic, options);
      const client = await openStream(url());
      await setSubscriptions(url(), client.clientId, [key]);
      await publishNumbers(url(), topic, 1001, 1002);
      const [events = []] = await received(url(), topic, client);
      expect(numbersOf(events)).toEqual([3, 4, 1001, 1002]);
      await publishNumbers(url(), topic, 1, 4);
      expect((await heard(topic, queryOf([key]))).numbers).toEqual([3, 4, 1001, 1002]);
    },
  );

  it("prefers each key's own number to ?last", async () => {
    await publishNumbers(url(), "own/a", 1, 5);
    await publishNumbers(url(), "own/b", 6, 10);
    const query = queryOf([withOptions("own/a", { last: 1 }), "own/b"], { last: "2" });
    expect((await heard("own/b", query)).numbers).toEqual([5, 9, 10, 1001, 1002]);
  });

  it("resumes from a known Last-Event-ID instead, and falls back to the newest messages for an unknown one", async () => {
    await publishNumbers(url(), "either", 1, 2);
    const watch = await openStream(url(), {}, queryOf(["either"]));
    await publishNumbers(url(), "either", 3, 6);
    const third = (await watch.receive(1))[0]?.id;
    const query = queryOf(["either"], { last: "2" });
    const good = await heard("either", query, withLastEventId(third));
    expect(good.numbers).toEqual([4, 5, 6, 1001, 1002]);
    expect(await resumed(good.client)).toEqual({ recovered: true, replayed: 3 });
    const bad = await openStream(
      url(),
      withLastEventId("garbage"),
      queryOf(["either"], { last: "3" }),
    );
    const [events = []] = await received(url(), "either", bad);
    expect(await resumed(bad)).toEqual({ recovered: false });
    expect(bad.events[0]?.event).toBe("PB_RESUME");
    // A marker message was published between the two.
    expect(numbersOf(events)).toEqual([1001, 1002]);
  });
}

function cutBetweenKeys(url: () => string): void {
  it("resumes exactly after each event, also between two events of one message under several keys", async () => {
    const keys = ["k/a", "k/*", "*", withOptions("k/a", { query: { x: "1" } }), "k/a/*", "k"];
    const whole = await openStream(url(), {}, queryOf(keys));
    const record = { id: "a", collectionName: "k" };
    await publish(url(), [
      { topic: "k/a", data: { n: 1 } },
      { topic: "elsewhere", data: { n: 2 } },
      { collection: "k", action: "update", record },
      { topic: "k/a/b", data: { n: 3 } },
    ]);
    const [events = []] = await received(url(), "k/a", whole);
    expect(events).toHaveLength(4 + 1 + 5 + 3);
    for (const [index, { id }] of events.entries()) {
      const rest = await openStream(url(), withLastEventId(id), queryOf(keys.toReversed()));
      await resumed(rest);
      const end = rest.events.findIndex(({ data }) => data.startsWith('{"mark":'));
      const names = (some: typeof events) => some.map(({ event, data }) => [event, data]);
      expect([id, names(rest.events.slice(0, end))]).toEqual([id, names(events.slice(index + 1))]);
      rest.close();
    }
  });
}
