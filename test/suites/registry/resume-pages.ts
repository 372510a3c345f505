import { afterEach, describe, expect, it } from "vitest";
import { hashKey } from "../../../src/realtime/cursor.ts";
import { eventually } from "../../support/deadline.ts";
import { RecordingSink } from "../../support/recording-sink.ts";
import type { OpenRegistry, RegistryFlags } from "./context.ts";
import {
  idsOf,
  LOST,
  type Resumes,
  ResumesOpener,
  recovered,
  type Stream,
} from "./resume/context.ts";

/** Data that fills a page (`REPLAY_PAGE` in src/realtime/replay/client-replay.ts): the page ends after it. */
const PAGEFUL = "x".repeat(70_000);

/** Replays of several pages, with changes between two pages. */
export function resumePageTests(open: OpenRegistry, flags: RegistryFlags): void {
  const opener = new ResumesOpener(open);
  afterEach(() => opener.closeAll());

  describe("a replay that waits for its client", () => {
    it("delivers messages that are published meanwhile once and in order", async () => {
      const test = await opener.open();
      const stream = await openMidReplay(test, ["chat"]);
      await test.publish("chat", 4, 5);
      await test.test.registry.send(stream.clientId, "note", 0);
      await eventually(() => stream.sink.data("note").length === 1, "the note arrives");
      expect(brief(stream)).toEqual(["chat 1", "note 0"]);
      stream.sink.takeOnce();
      await eventually(() => stream.sink.isAwaited, "the next page");
      await test.publish("chat", 6);
      stream.sink.release();
      await test.until(stream);
      const rest = [2, 3, 4, 5, 6].map((n) => `chat ${n}`);
      expect(brief(stream)).toEqual(["chat 1", "note 0", ...rest, recovered(0)]);
      const { sink } = stream;
      const again = await test.open({
        topics: ["chat"],
        lastEventId: idsOf({ ...stream, sink })[1],
      });
      await test.until(again);
      expect(brief(again).slice(0, 5)).toEqual(rest);
    });

    it("leaves the keys that stay at their position, and starts new keys live", async () => {
      const test = await opener.open();
      const stream = await openMidReplay(test, ["chat", "other"]);
      await test.subscribe(stream, ["*", "chat"]);
      stream.sink.release();
      await test.until(stream);
      const rest = ["chat 1", "chat 2", "chat 3", recovered(0)];
      expect(brief(stream).filter((line) => !line.startsWith("*"))).toEqual(rest);
    });

    it("that is cut between two keys of a message continues with the second key, even if keys are added and removed", async () => {
      const test = await opener.open();
      const keys = ["*", "chat", 'chat?options={"x":1}'];
      const ordered = keys.toSorted((one, other) => (hashKey(one) < hashKey(other) ? -1 : 1));
      const [key = ""] = ordered;
      const [first, second] = ordered.map((one) => one.split("?")[0]);
      const stream = await openMidReplay(test, keys);
      expect(brief(stream)).toEqual([`${first} 1`]);
      stream.sink.takeOnce();
      await eventually(() => brief(stream).length >= 2 && stream.sink.isAwaited, "the next key");
      expect(brief(stream)).toEqual([`${first} 1`, `${second} 1`]);
      await test.subscribe(stream, [key, "other"]);
      stream.sink.release();
      await test.until(stream, key);
      const rest = [`${first} 2`, `${first} 3`, recovered(0)];
      expect(brief(stream)).toEqual([`${first} 1`, `${second} 1`, ...rest]);
    });

    it("ends when the client unsubscribes from everything, and new subscriptions start live", async () => {
      const test = await opener.open();
      const stream = await openMidReplay(test, ["chat"]);
      await test.subscribe(stream, []);
      await test.publish("chat", 4);
      await test.subscribe(stream, ["chat"]);
      await test.publish("chat", 5);
      stream.sink.release();
      await test.until(stream);
      expect(brief(stream)).toEqual(["chat 1", "chat 5"]);
    });

    for (const how of ["leaves", "is disconnected"]) {
      it(`ends when the client ${how}`, async () => {
        const test = await opener.open();
        const stream = await openMidReplay(test, ["chat"]);
        if (how === "leaves") stream.connection.close("client");
        else await test.test.registry.disconnect(stream.clientId);
        await stream.sink.ended();
        stream.sink.takeOnce();
        const other = await test.open({ topics: ["chat"], lastEventId: stream.clientId });
        await test.until(other);
        expect(brief(stream)).toEqual(["chat 1"]);
        expect(stream.sink.framesAfterClose).toBe(0);
        await eventually(
          async () => (await test.test.registry.stats()).clients === 1,
          "the client is removed",
        );
      });
    }

    it.skipIf(flags.findsByTopic !== undefined)(
      "searches several pages for the newest messages, and counts none of them twice",
      async () => {
        const test = await opener.open();
        await test.publish("chat", 1, 2, 3, 4);
        // More pages without a match than the search reads in one turn of the event loop.
        const pages = Array.from({ length: 9 }, () => PAGEFUL);
        await test.publish("other", ...pages);
        await test.publish("chat", 5);
        await test.publish("other", ...pages);
        const stream = await test.open({ topics: ["chat"], last: 3 }, new RecordingSink().hold());
        await eventually(() => stream.sink.isAwaited, "the search for the newest messages starts");
        stream.sink.takeOnce();
        await eventually(() => stream.sink.isAwaited, "the search continues");
        await test.subscribe(stream, ["chat", "chat?x"]);
        stream.sink.release();
        await test.until(stream);
        expect(brief(stream)).toEqual(["chat 3", "chat 4", "chat 5"]);
      },
    );

    it("sends a new key the messages that are its newest now", async () => {
      const test = await opener.open();
      const stream = await openMidReplay(test, ["other"]);
      await test.publish("chat", 4, 5, 6);
      await test.subscribe(stream, ["other", "chat"], { last: 2 });
      stream.sink.release();
      await test.until(stream);
      expect(brief(stream).filter((line) => line.startsWith("chat"))).toEqual(["chat 5", "chat 6"]);
    });
  });

  describe("a replay of the whole history", () => {
    it("sends all 10,000 messages in order, and is unrecovered after one message more", async () => {
      const test = await opener.open();
      const past = await test.open({ topics: ["chat"] });
      await test.publish("chat", 0);
      await past.sink.receive(1);
      past.connection.close("client");
      for (let from = 1; from <= 10_000; from += 1000) {
        await test.publish("chat", ...Array.from({ length: 1000 }, (_, index) => from + index));
      }
      const stream = await test.open({ topics: ["chat"], lastEventId: idsOf(past)[0] });
      await stream.sink.receive(10_001);
      const all = Array.from({ length: 10_000 }, (_, index) => index + 1);
      expect(stream.sink.data("chat")).toEqual(all);
      expect(stream.sink.data("PB_RESUME")).toEqual([{ recovered: true, replayed: 10_000 }]);
      const lost = await test.open({ topics: ["chat"], lastEventId: past.clientId });
      expect(await test.until(lost)).toEqual([LOST]);
    });
  });
}

/** A client in the middle of a replay of 1, 2 and 3, each a page. It has been sent the first for its first key. */
async function openMidReplay(test: Resumes, topics: readonly string[]): Promise<Stream> {
  const { clientId } = await test.past(["chat"]);
  const topic = topics.includes("other") && !topics.includes("chat") ? "other" : "chat";
  for (const number of [1, 2, 3]) await test.publish(topic, [number, PAGEFUL]);
  const keys =
    topic === "chat"
      ? topics.map((key) => (key === "chat?x" ? 'chat?options={"x":1}' : key))
      : topics;
  const stream = await test.open(
    { topics: keys, lastEventId: clientId },
    new RecordingSink().hold(),
  );
  await eventually(() => stream.sink.isAwaited, "the first page arrives");
  return stream;
}

/**
 * The events without the data that fills pages, without PB_CURSOR and without the number of replayed messages: these depend on
 * whether a message was replayed or delivered live.
 */
function brief({ sink }: Stream): string[] {
  return sink.events
    .map(({ event, data }) => `${event?.split("?")[0]} ${data.replace(/^\[(\d+),.*$/, "$1")}`)
    .filter((line) => !line.includes('"live '))
    .map((line) => line.replace(/"replayed":\d+/, '"replayed":0'));
}
