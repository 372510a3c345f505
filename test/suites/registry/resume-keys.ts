import { afterEach, describe, expect, it } from "vitest";
import { RecordingSink } from "../../support/recording-sink.ts";
import type { OpenRegistry } from "./context.ts";
import { idsOf, LOST, ResumesOpener, recovered, shown } from "./resume/context.ts";

const withLast = (n: unknown) => `chat?options=${JSON.stringify({ query: { last: n } })}`;

/** Keys that start in the past: at a position, or with their newest messages. */
export function resumeKeyTests(open: OpenRegistry): void {
  const opener = new ResumesOpener(open);
  afterEach(() => opener.closeAll());

  describe("new keys with a position", () => {
    it("are preceded by the end of a credential, and private messages follow its position", async () => {
      const test = await opener.open();
      const before = await test.past(["chat"], 1);
      const secret = { topic: "chat", data: "secret", private: true };
      await test.test.publish(secret, { topic: "chat", data: "open" });
      const guest = await test.open({ lastEventId: idsOf(before)[0] });
      await test.subscribe(guest, ["chat"], { credentialEnded: true });
      expect(await test.until(guest)).toEqual(["PB_AUTH_EXPIRED {}", 'chat "open"', recovered(1)]);
      const anna = { identity: "anna", rights: ["chat"], lastEventId: idsOf(guest)[0] };
      const stream = await test.open({ ...anna, topics: ["chat"] });
      expect((await test.until(stream)).slice(0, 2)).toEqual(['chat "secret"', 'chat "open"']);
    });

    it("start there, and earlier keys repeat nothing", async () => {
      const test = await opener.open();
      const stream = await test.open({ topics: ["chat"] });
      await test.publish("chat", 1);
      await test.publish("other", 2);
      await test.publish("chat", 3);
      await stream.sink.receive(2);
      await test.subscribe(stream, ["chat", "other", "*"], { lastEventId: idsOf(stream)[0] });
      const came = await test.until(stream);
      const missed = ["* 2", "other 2", "* 3", recovered(2)];
      expect(came).toEqual(["chat 1", "chat 3", ...missed]);
    });

    it("miss nothing when a stream is cut between two keys with the same 32-bit hash", async () => {
      const test = await opener.open();
      // Two keys with the same 32-bit FNV-1a hash (953697616), found by trying `chat?options={"n":<n>}` with n from 0 on.
      const keys = ['chat?options={"n":424689}', 'chat?options={"n":1519382}'];
      const stream = await test.open({ topics: keys });
      await test.publish("chat", 1);
      await stream.sink.receive(2);
      stream.connection.close("client");
      const [id] = idsOf(stream);
      const missed = shown(stream)[1];
      const next = await test.open({ topics: keys, lastEventId: id });
      await next.sink.receive(2);
      expect(shown(next)).toEqual([missed, recovered(1)]);
    });

    it("that the log does not have cause PB_RESUME with `recovered: false`, and earlier keys continue", async () => {
      const test = await opener.open();
      const stream = await test.open({ topics: ["chat"] });
      await test.publish("chat", 1);
      await test.subscribe(stream, ["chat", "*"], { lastEventId: "garbage" });
      expect((await test.until(stream)).filter((line) => !line.startsWith("*"))).toEqual([
        "chat 1",
        LOST,
      ]);
    });

    it("before the start of the stream are unrecovered for the stream's earlier keys", async () => {
      const test = await opener.open();
      const before = await test.open({ topics: ["chat"] });
      await test.publish("chat", 1, 2);
      await before.sink.receive(2);
      const [lastEventId] = idsOf(before);
      const lost = await test.open({ topics: ["chat"], lastEventId });
      await lost.sink.receive(2);
      const shard = lost.clientId.split("-")[0];
      let stream = await test.open({ topics: ["chat"] });
      while (stream.clientId.split("-")[0] !== shard)
        stream = await test.open({ topics: ["chat"] });
      await test.subscribe(stream, ["chat"], { lastEventId });
      expect(await test.until(stream)).toEqual([LOST]);
      // A client that connected with this position has missed nothing, and may send it again.
      await test.subscribe(lost, ["chat"], { lastEventId });
      expect(await test.until(lost)).toEqual(["chat 2", recovered(1), recovered(0)]);
    });

    it("of a guest who has signed in are unrecovered, because earlier private messages are missing", async () => {
      const test = await opener.open();
      const stream = await test.open({ topics: ["chat", "other"] });
      await test.publish("chat", 1);
      await test.test.publish({ topic: "chat", data: 2, private: true });
      const anna = { identity: "anna", rights: ["chat"], lastEventId: stream.clientId };
      await test.subscribe(stream, ["chat", "other"], anna);
      expect(await test.until(stream)).toEqual(["chat 1", LOST]);
      await test.subscribe(stream, ["chat", "other"], anna);
      expect(await test.until(stream)).toEqual(["chat 1", LOST, recovered(0)]);
    });

    it("of a guest who has signed in, with rights to other topics only, miss nothing", async () => {
      const test = await opener.open();
      const stream = await test.open({ topics: ["chat"] });
      await test.publish("chat", 1);
      const anna = { identity: "anna", rights: ["other"], lastEventId: stream.clientId };
      await test.subscribe(stream, ["chat"], anna);
      expect(await test.until(stream)).toEqual(["chat 1", recovered(0)]);
    });

    it("have ids without a position until all messages have arrived: a client that is cut before gets `recovered: false`", async () => {
      const test = await opener.open();
      const stream = await test.open({ topics: ["chat"] });
      await test.publish("chat", 1, 2, 3);
      await stream.sink.receive(3);
      await test.subscribe(stream, ["chat", "*"], { lastEventId: stream.clientId });
      await stream.sink.receive(7);
      stream.connection.close("client");
      const ids = idsOf(stream).slice(3);
      for (const [index, lastEventId] of ids.entries()) {
        const next = await test.open({ topics: ["chat", "*"], lastEventId });
        await next.sink.receive(1);
        const expected = index === ids.length - 1 ? recovered(0) : LOST;
        expect(shown(next)).toEqual([expected]);
      }
    });
  });

  describe("the newest messages first", () => {
    it("begin with their own newest messages while the search for those of another key waits", async () => {
      const test = await opener.open();
      await test.publish("chat", 1, 2, 3);
      const [first, second] = [withLast(1), withLast(2)];
      const sink = new RecordingSink().hold();
      // A replay reads nothing while something waits for the client.
      sink.bufferedBytes = 1;
      const stream = await test.open({ topics: [first] }, sink);
      await test.publish("chat", 4, 5);
      await test.subscribe(stream, [first, second]);
      sink.bufferedBytes = 0;
      sink.release();
      await test.until(stream, second);
      expect(sink.data(first).slice(0, 3)).toEqual([3, 4, 5]);
      expect(sink.data(second).slice(0, 2)).toEqual([4, 5]);
    });

    it("at connect: up to `last` messages of each key, then live ones", async () => {
      const test = await opener.open();
      await test.publish("chat", 1, 2, 3);
      await test.publish("other", 4);
      await test.test.publish({ topic: "chat", data: "secret", private: true });
      const topics = ["chat", "other"];
      const two = await test.open({ topics, last: 2 });
      const all = await test.open({ topics, last: 1000 });
      expect(two.connection.cursor).toBeUndefined();
      expect(await test.until(two)).toEqual(["chat 2", "chat 3", "other 4"]);
      expect(await test.until(all)).toEqual(["chat 1", "chat 2", "chat 3", "other 4"]);
    });

    it("0 of them starts live from `open` on", async () => {
      const test = await opener.open();
      await test.publish("chat", 1);
      const stream = await test.open({ topics: ["chat", withLast(0), withLast("x")], last: 0 });
      expect(stream.connection.cursor).toBeDefined();
      expect(await test.until(stream)).toEqual([]);
    });

    it("in a key's options take precedence over `last` of the request", async () => {
      const test = await opener.open();
      await test.publish("chat", 1, 2, 3);
      const topics = ["chat", withLast(2), 'chat?options={"last":1}'];
      const stream = await test.open({ topics });
      const expected = [`${withLast(2)} 2`, `chat?options={"last":1} 3`, `${withLast(2)} 3`];
      expect(await test.until(stream)).toEqual(expected);
    });

    it("are sent to new keys, and not again to earlier ones", async () => {
      const test = await opener.open();
      const stream = await test.open({ topics: ["chat"] });
      await test.publish("chat", 1, 2, 3);
      await test.subscribe(stream, ["chat", "*"], { last: 2 });
      expect((await test.until(stream)).slice(0, 5)).toEqual([
        ...["chat 1", "chat 2", "chat 3"],
        ...["* 2", "* 3"],
      ]);
    });

    it("are not sent to a client that resumes, and are sent when its position is gone", async () => {
      const test = await opener.open();
      const past = await test.past(["chat"], 1, 2, 3);
      const topics = [withLast(2), "chat"];
      const good = await test.open({ topics: ["chat"], last: 1, lastEventId: idsOf(past)[0] });
      expect(await test.until(good)).toEqual(["chat 2", "chat 3", recovered(2)]);
      await test.publish("chat", 4, 5, 6);
      const lost = await test.open({ topics, last: 1, lastEventId: "garbage" });
      const newest = [`${withLast(2)} 5`, "chat 6", `${withLast(2)} 6`];
      expect(await test.until(lost)).toEqual([LOST, ...newest]);
    });
  });
}
