import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../../support/deadline.ts";
import { RecordingSink } from "../../support/recording-sink.ts";
import type { OpenRegistry } from "./context.ts";
import { idsOf, LOST, ResumesOpener, recovered, shown } from "./resume/context.ts";

/** Cursors from which a client can resume, and the messages that it then gets. */
export function resumeTests(open: OpenRegistry): void {
  const opener = new ResumesOpener(open);
  afterEach(() => opener.closeAll());

  describe("topics at connect", () => {
    it("are delivered from `open` on, without PB_RESUME", async () => {
      const test = await opener.open();
      const connection = await test.test.registry.open({ topics: ["chat", "posts/*"] });
      await test.publish("chat", 1);
      await test.publish("posts/r1", 2);
      const sink = new RecordingSink();
      await connection.attach(sink);
      const stream = { connection, clientId: connection.clientId, sink };
      expect(await test.until(stream)).toEqual(["chat 1", "posts/* 2"]);
      const { subscriptions } = (await test.test.find(connection.clientId)) ?? {};
      expect(subscriptions).toEqual(["chat", "posts/*"]);
    });
  });

  describe("resuming", () => {
    it("from the id of any message sends the messages after it with their cursors, and then live ones", async () => {
      const test = await opener.open();
      const past = await test.past(["chat", "fence"], 1, 2, 3, 4);
      for (const [index, lastEventId] of idsOf(past).entries()) {
        const stream = await test.open({ topics: ["chat"], lastEventId });
        await test.until(stream);
        const left = [1, 2, 3, 4].slice(index + 1).map((data) => `chat ${data}`);
        const lives = shown(stream).filter((line) => line.includes("live"));
        // The history has the messages that were published for the earlier streams as well.
        const [live] = lives.slice(-1);
        const replayed = [...left, ...lives.slice(0, -1)];
        expect(shown(stream)).toEqual([...replayed, recovered(replayed.length), live]);
        expect(idsOf(stream).slice(0, left.length)).toEqual(idsOf(past).slice(index + 1));
      }
    });

    it("from the client id or the connection's cursor sends everything since `open`", async () => {
      const test = await opener.open();
      const { connection } = await test.past(["chat"], 1, 2);
      expect(connection.cursor).toBeDefined();
      for (const lastEventId of [connection.clientId, connection.cursor]) {
        const stream = await test.open({ topics: ["chat"], lastEventId });
        const came = await test.until(stream);
        expect(came.slice(0, 2)).toEqual(["chat 1", "chat 2"]);
        expect(came[2]).toContain('PB_RESUME {"recovered":true');
      }
    });

    it("from the newest message sends only PB_RESUME with `recovered: true`", async () => {
      const test = await opener.open();
      const past = await test.past(["chat"], 1, 2);
      const stream = await test.open({ topics: ["chat"], lastEventId: idsOf(past).at(-1) });
      expect(await test.until(stream)).toEqual([recovered(0)]);
    });

    it("from the id of a sent event or of PB_RESUME continues after that event", async () => {
      const test = await opener.open();
      const past = await test.open({ topics: ["chat"] });
      await test.publish("chat", 1);
      await past.sink.receive(1);
      await test.test.registry.send(past.clientId, "note", 0);
      await past.sink.receive(2);
      past.connection.close("client");
      await test.publish("chat", 2);
      const stream = await test.open({ topics: ["chat"], lastEventId: idsOf(past)[1] });
      await stream.sink.receive(2);
      stream.connection.close("client");
      expect(shown(stream)).toEqual(["chat 2", recovered(1)]);
      await test.publish("chat", 3);
      const next = await test.open({ topics: ["chat"], lastEventId: idsOf(stream)[1] });
      expect(await test.until(next)).toEqual(["chat 3", recovered(1)]);
    });

    it("from each id of one message under several keys sends the remaining keys", async () => {
      const test = await opener.open();
      const topics = ["chat?options={}", "chat", "*"];
      const past = await test.open({ topics });
      await test.publish("chat", 1, 2);
      await past.sink.receive(6);
      const all = shown(past);
      expect(new Set(all).size).toBe(6);
      expect(new Set(idsOf(past)).size).toBe(6);
      for (const [index, lastEventId] of idsOf(past).entries()) {
        const stream = await test.open({ topics, lastEventId });
        await stream.sink.receive(6 - index);
        expect(shown(stream)).toEqual([
          ...all.slice(index + 1),
          recovered(2 - Math.floor((index + 1) / 3)),
        ]);
        expect(idsOf(stream).slice(0, -1)).toEqual(idsOf(past).slice(index + 1));
      }
    });

    it("neither sends nor counts private messages", async () => {
      const test = await opener.open();
      const { clientId } = await test.past(["chat"]);
      await test.test.publish(
        { topic: "chat", data: 1 },
        { topic: "chat", data: "secret", private: true },
        { collection: "posts", action: "update", record: { id: "r1" } },
        { collection: "posts", action: "update", record: { id: "r2" }, private: true },
      );
      const topics = ["chat", "posts/*"];
      const stream = await test.open({ topics, lastEventId: clientId });
      const record = 'posts/* {"action":"update","record":{"id":"r1"}}';
      expect(await test.until(stream)).toEqual(["chat 1", record, recovered(2)]);
    });

    it("waits for the first subscriptions when there are none at connect", async () => {
      const test = await opener.open();
      const past = await test.past(["chat"], 1, 2);
      const stream = await test.open({ lastEventId: idsOf(past)[0] });
      await test.publish("chat", 3);
      await test.subscribe(stream, []);
      await test.subscribe(stream, ["chat"]);
      await test.subscribe(stream, ["chat", "other"]);
      expect(await test.until(stream)).toEqual(["chat 2", "chat 3", recovered(2)]);
    });

    it("always connects to the shard of the cursor", async () => {
      const test = await opener.open();
      for (let round = 0; round < 8; round++) {
        const past = await test.past(["chat"], round);
        const stream = await test.open({ topics: ["chat"], lastEventId: past.clientId });
        expect(stream.clientId.split("-")[0]).toBe(past.clientId.split("-")[0]);
        expect(await test.until(stream)).toEqual([`chat ${round}`, recovered(1)]);
      }
    });
  });

  describe("a position that the log does not have", () => {
    const positions = (past: string) => {
      const [, shard, epoch, sequence] = /^(\d+)-(\w+)-(\d+)/.exec(past) ?? [];
      return {
        "of another epoch": `${shard}-x${epoch}-${sequence}`,
        "in the future": `${shard}-${epoch}-${Number(sequence) + 1000}`,
        "of another shard": `77-${epoch}-${sequence}`,
        "not a cursor": "garbage \u00e9 ~.~",
        "an empty string": "",
        "much too long": "9".repeat(5000),
      };
    };
    for (const name of Object.keys(positions("")) as (keyof ReturnType<typeof positions>)[]) {
      it(`(${name}) is reported as unrecovered, and no wrong message arrives`, async () => {
        const test = await opener.open();
        const { clientId } = await test.past(["chat"], 1, 2);
        const lastEventId = positions(clientId)[name];
        const stream = await test.open({ topics: ["chat"], lastEventId });
        expect(stream.connection.cursor).toBeUndefined();
        expect(await test.until(stream)).toEqual([LOST]);
        expect(stream.sink.faults).toEqual([]);
      });
    }
  });

  describe("stats of resumes", () => {
    it("count replayed messages, recovered resumes and unrecovered resumes", async () => {
      const test = await opener.open();
      const past = await test.past(["chat", "*"], 1, 2, 3);
      const before = await test.test.registry.stats();
      for (const lastEventId of [past.clientId, past.clientId, "garbage"]) {
        const stream = await test.open({ topics: ["chat", "*"], lastEventId });
        await eventually(() => shown(stream).some((line) => line.startsWith("PB_")), "PB_RESUME");
      }
      const { delivered, ...counts } = await test.test.registry.stats();
      expect(counts).toMatchObject({ replayed: 12, recovered: 2, unrecovered: 1 });
      expect(delivered).toBe(before.delivered + 12);
    });
  });
}
