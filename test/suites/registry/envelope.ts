import { afterEach, describe, expect, it } from "vitest";
import { subscriptionKey } from "../../support/subscription-key.ts";
import type { OpenRegistry } from "./context.ts";
import { idsOf, ResumesOpener, recovered, type Stream, shown } from "./resume/context.ts";

const BARE = subscriptionKey("chat/*", { envelope: false });

/** Every event so far: its name, and its data without ids and times. */
function received({ sink }: Stream): unknown[] {
  return sink.events.map(({ event, data }) => {
    const value: unknown = JSON.parse(data);
    if (typeof value !== "object" || value === null || !("at" in value)) return [event, value];
    const { id, at, ...rest } = value as Record<string, unknown>;
    expect([typeof id, new Date(String(at)).toISOString()]).toEqual(["string", at]);
    return [event, rest];
  });
}

/** Streams with the option `envelope` (`StreamOptions`). */
export function envelopeTests(open: OpenRegistry): void {
  const opener = new ResumesOpener(open);
  afterEach(() => opener.closeAll());

  describe("a stream with envelopes", () => {
    it("tells the topic of each message, under the keys of the connect and of later requests", async () => {
      const test = await opener.open();
      const stream = await test.open({ topics: ["chat/*"], envelope: true });
      await test.publish("chat/1", 1);
      await stream.sink.receive(1);
      await test.subscribe(stream, ["chat/*", "posts/r1", ""]);
      await test.publish("chat/2", { n: 2 });
      const record = { id: "r1" };
      await test.test.publish({ collection: "posts", action: "create", record });
      await stream.sink.receive(3);
      await test.subscribe(stream, ["*"]);
      await test.publish("chat/3", null);
      await stream.sink.receive(4);
      expect(received(stream)).toEqual([
        ["chat/*", { topic: "chat/1", data: 1 }],
        ["chat/*", { topic: "chat/2", data: { n: 2 } }],
        ["posts/r1", { topic: "posts/r1", data: { action: "create", record } }],
        ["*", { topic: "chat/3", data: null }],
      ]);
    });

    it("has none for a key that is set to have none, and changes no other stream with the same key", async () => {
      const test = await opener.open();
      const wrapped = await test.open({ topics: ["chat/*", BARE], envelope: true });
      const twin = await test.open({ topics: ["chat/*"], envelope: true });
      const bare = await test.open({ topics: ["chat/*"] });
      await test.publish("chat/1", 1);
      await test.test.publish({ topic: "chat/1", data: 2 });
      for (const [stream, count] of [
        [wrapped, 4],
        [twin, 2],
        [bare, 2],
      ] as const)
        await stream.sink.receive(count);
      const inEnvelopes = [1, 2].map((data) => ["chat/*", { topic: "chat/1", data }]);
      expect(received(wrapped)).toEqual(expect.arrayContaining([...inEnvelopes, [BARE, 1]]));
      expect(received(twin)).toEqual(inEnvelopes);
      expect(shown(bare)).toEqual(["chat/* 1", "chat/* 2"]);
    });

    it("describes its keys as the client has sent them, and counts their topics once", async () => {
      const test = await opener.open();
      const { clientId } = await test.open({ topics: ["chat/*", BARE, "a"], envelope: true });
      await test.open({ topics: ["a"] });
      const { registry } = test.test;
      expect(await registry.client(clientId)).toMatchObject({
        subscriptions: ["chat/*", BARE, "a"],
      });
      const { topics } = await registry.topics();
      expect(topics.map(({ topic }) => topic)).toEqual(["a", "chat/*"]);
      expect(await registry.stats()).toMatchObject({ clients: 2, subscriptions: 4 });
    });

    it("begins with the newest messages of a key in envelopes, and not with those of a key that it had", async () => {
      const test = await opener.open();
      await test.publish("chat/1", 1, 2, 3);
      const newest = subscriptionKey("chat/*", { last: 2 });
      const stream = await test.open({ topics: [newest], envelope: true });
      await stream.sink.receive(2);
      await test.subscribe(stream, [newest, "*"], { last: 1 });
      await stream.sink.receive(3);
      expect(received(stream)).toEqual([
        [newest, { topic: "chat/1", data: 2 }],
        [newest, { topic: "chat/1", data: 3 }],
        ["*", { topic: "chat/1", data: 3 }],
      ]);
    });

    it("resumes exactly after each event, also between two events of one message", async () => {
      const test = await opener.open();
      const topics = ["chat/*", "*", "chat/1", BARE];
      const whole = await test.open({ topics, envelope: true });
      await test.publish("chat/1", 1);
      await test.publish("other", 2);
      await test.publish("chat/1", 3);
      await whole.sink.receive(9);
      const ids = idsOf(whole);
      expect(new Set(ids).size).toBe(9);
      const live = shown(whole);
      for (const [index, lastEventId] of ids.entries()) {
        const stream = await test.open({ topics, envelope: true, lastEventId });
        const missed = live.slice(index + 1);
        await stream.sink.receive(missed.length + 1);
        const came = shown(stream);
        expect(came.slice(0, -1)).toEqual(missed);
        expect(came.at(-1)).toMatch(/^PB_RESUME {"recovered":true/);
        expect(idsOf(stream).slice(0, -1)).toEqual(ids.slice(index + 1));
        stream.connection.close("client");
      }
    });

    it("sends private messages in envelopes to a client with the right, under each key once", async () => {
      const test = await opener.open();
      const rights = ["chat/1", "chat/2"];
      const stream = await test.open({ topics: ["chat/*"], envelope: true, rights });
      for (const topic of ["chat/1", "chat/2", "chat/3"]) {
        await test.test.publish({ topic, data: topic, private: true });
      }
      await test.publish("chat/4", "last");
      await stream.sink.receive(3);
      expect(
        received(stream).map((event) => (event as [string, { topic: string }])[1].topic),
      ).toEqual(["chat/1", "chat/2", "chat/4"]);
      const next = await test.open({
        topics: ["chat/*"],
        envelope: true,
        rights,
        lastEventId: idsOf(stream)[0],
      });
      await next.sink.receive(3);
      expect(shown(next)).toEqual([...shown(stream).slice(1), recovered(2)]);
    });
  });
}
