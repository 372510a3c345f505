import { afterEach, describe, expect, it } from "vitest";
import { formatCursor, parseCursor } from "../../../src/realtime/cursor.ts";
import type { Message } from "../../../src/realtime/types.ts";
import { at, LogOpener, type LogUnderTest, message, type OpenLog } from "./context.ts";

/** Messages to topics, and a record event with two topics. */
const MESSAGES: readonly Message[] = [
  message("chat", { topics: ["chat"] }),
  message("one", { topics: ["chat/1"] }),
  message("two", { topics: ["chat/2"] }),
  message("record", { topics: ["posts/r1", "posts"], change: "{}" }),
  message("other", { topics: ["other"] }),
];

/** `MessageLog.erase` and `LogReader.hasReached`. */
export function erasingTests(openLog: OpenLog): void {
  const opener = new LogOpener(openLog);
  afterEach(() => opener.closeAll());

  const filled = async (): Promise<LogUnderTest> => {
    const log = await opener.open();
    await log.appendMessages(MESSAGES);
    return log;
  };

  describe("erasing", () => {
    for (const [topic, left] of [
      ["chat", ["one", "two", "record", "other"]],
      ["chat/1", ["chat", "two", "record", "other"]],
      ["chat/*", ["chat", "record", "other"]],
      ["posts", ["chat", "one", "two", "other"]],
      ["posts/*", ["chat", "one", "two", "other"]],
      ["nothing", ["chat", "one", "two", "record", "other"]],
      ["*", []],
    ] as const) {
      it(`${topic} removes the messages with a topic that matches, and counts them`, async () => {
        const log = await filled();
        expect(await log.log.erase(topic)).toBe(MESSAGES.length - left.length);
        expect(await log.idsAfter(undefined)).toEqual(left);
        expect(await log.idsBefore(undefined)).toEqual(left.toReversed());
        expect((await log.log.stats()).messages).toBe(left.length);
        expect(await log.log.erase(topic)).toBe(0);
      });
    }

    it("leaves cursors as they are: reads from them skip the erased messages", async () => {
      const log = await filled();
      const cursors = log.tailed.map(({ cursor }) => cursor);
      const newest = log.log.cursor();
      await log.log.erase("*");
      expect(log.log.cursor()).toBe(newest);
      const [after = ""] = await log.cursorsOf("after");
      for (const cursor of cursors) expect(await log.idsAfter(cursor)).toEqual(["after"]);
      const page = await log.log.read(at(cursors, 0), 10);
      expect(page).toMatchObject({ trimmedTo: 0, end: MESSAGES.length + 1 });
      expect(await log.idsBefore(after)).toEqual([]);
    });

    it("does not forget ids, so that a retry does not bring a message back", async () => {
      const log = await filled();
      await log.log.erase("*");
      const receipts = await log.appendMessages(MESSAGES);
      expect(receipts.every(({ duplicate }) => duplicate)).toBe(true);
      expect(await log.idsAfter(undefined)).toEqual([]);
    });

    it("gives the bytes back, but not the places of the messages", async () => {
      const log = await opener.open({ messages: 3, maxAge: 1e9, bytes: 1e9 });
      await log.append("a", "b", "c");
      await log.log.erase("chat");
      expect(await log.log.stats()).toMatchObject({ accepted: 3, messages: 0, bytes: 0 });
      await log.append("d");
      expect(await log.idsAfter(undefined)).toEqual(["d"]);
      expect((await log.log.read(undefined, 10))?.trimmedTo).toBe(1);
    });

    it("removes kept messages too, and their topics keep what is published later", async () => {
      const limits = { messages: 1, maxAge: 1e9, bytes: 1e9 };
      const log = await opener.open(limits, { topics: [{ match: "chat/*", keep: 2 }] });
      const to = (topic: string) => (id: string) => message(id, { topics: [topic] });
      await log.appendMessages(["a", "b"].map(to("chat/1")));
      await log.appendMessages(["c", "d"].map(to("chat/2")));
      await log.appendMessages(["n"].map(to("noise")));
      expect(await log.log.erase("chat/1")).toBe(2);
      expect(await log.idsAfter(undefined)).toEqual(["c", "d", "n"]);
      expect((await log.log.stats()).kept).toMatchObject({ topics: 1, messages: 2 });
      await log.appendMessages(["e", "f", "g"].map(to("chat/1")));
      await log.appendMessages(["m"].map(to("noise")));
      expect(await log.idsAfter(undefined)).toEqual(["c", "d", "f", "g", "m"]);
    });

    it("in the middle of a topic's kept messages makes room for one more", async () => {
      const limits = { messages: 1, maxAge: 1e9, bytes: 1e9 };
      const log = await opener.open(limits, { topics: [{ match: "a", keep: 3 }] });
      const topics = [["a"], ["a", "b"], ["a"]];
      const messages = topics.map((topics, index) => message(`m${index}`, { topics }));
      await log.appendMessages([...messages, message("n")]);
      expect(await log.log.erase("b")).toBe(1);
      await log.appendMessages([message("last", { topics: ["a"] }), message("o")]);
      expect(await log.idsAfter(undefined)).toEqual(["m0", "m2", "last", "o"]);
    });

    it("a thousand messages leaves the others", async () => {
      const log = await opener.open();
      const all = Array.from({ length: 2000 }, (_, index) =>
        message(`m${index}`, { topics: [index % 2 === 0 ? "even" : "odd"] }),
      );
      await log.appendMessages(all.slice(0, 1000));
      await log.appendMessages(all.slice(1000));
      expect(await log.log.erase("even")).toBe(1000);
      const left = await log.idsAfter(undefined, 5000);
      expect(left).toEqual(all.filter((_, index) => index % 2 === 1).map(({ id }) => id));
    });
  });

  describe("a position", () => {
    it("has been reached up to the newest message, in this log only", async () => {
      const log = await filled();
      const other = await opener.open();
      await other.append("a");
      const newest = parseCursor(log.log.cursor());
      if (newest === undefined) throw new Error("The log's cursor can't be parsed.");
      for (let sequence = 0; sequence <= MESSAGES.length; sequence++) {
        expect(log.log.hasReached({ ...newest, sequence }), formatCursor(newest)).toBe(true);
      }
      expect(log.log.hasReached({ ...newest, sequence: MESSAGES.length + 1 })).toBe(false);
      expect(log.log.hasReached({ ...newest, shard: newest.shard + 1 })).toBe(false);
      expect(other.log.hasReached({ ...newest, sequence: 0 })).toBe(false);
    });

    it("has been reached although the messages after it have been trimmed", async () => {
      const log = await opener.open({ messages: 1, maxAge: 1e9, bytes: 1e9 });
      const start = parseCursor(log.log.cursor());
      await log.append("a", "b", "c");
      expect(start && log.log.hasReached(start)).toBe(true);
    });
  });
}
