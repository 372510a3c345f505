import { afterEach, describe, expect, it } from "vitest";
import type { LogEntry, Message } from "../../../src/realtime/types.ts";
import { eventually } from "../../support/deadline.ts";
import { ids, idsOf, type LogFlags, LogOpener, message, type OpenLog } from "./context.ts";

/** Order, the tail, and receipts. */
export function orderTests(openLog: OpenLog, flags: LogFlags): void {
  const opener = new LogOpener(openLog);
  afterEach(() => opener.closeAll());

  describe("the tail", () => {
    it("gets every entry once, in the order of the appends", async () => {
      const log = await opener.open();
      await log.append("a", "b");
      await log.append("c");
      await log.append("d", "e", "f");
      expect(idsOf(await log.delivered(6))).toEqual(["a", "b", "c", "d", "e", "f"]);
      await log.append("fence");
      expect(idsOf(await log.delivered(7))?.slice(6)).toEqual(["fence"]);
    });

    it("gets complete messages, whatever their content", async () => {
      const log = await opener.open();
      const messages: Message[] = [
        message("topics", { topics: ["posts/r1", "posts", "c1/r1", "c1"] }),
        message("private", { private: true }),
        message("change", { change: '{"collection":{"name":"🦊"},"previous":{"id":"r1"}}' }),
        message("text", { data: JSON.stringify("🦊 ä \r\n \0 \ud800 '\"\\ %s $1 \u2028") }),
        message("null", { data: "null" }),
        message("id with 🦊 ' \" \\ and spaces "),
        message("large", { data: JSON.stringify("x".repeat(500_000)) }),
      ];
      await log.appendMessages(messages);
      expect((await log.delivered(messages.length)).map((entry) => entry.message)).toEqual(
        messages,
      );
      const read = await log.log.read(undefined, 10);
      expect(read?.entries.map((entry) => entry.message)).toEqual(messages);
    });

    it("gets no entries that were appended before it started", async () => {
      const log = await opener.open();
      await log.append("before");
      await log.delivered(1);
      const late: LogEntry[] = [];
      log.log.tail((entries) => late.push(...entries));
      await log.append("after");
      await eventually(() => late.length > 0, "the second tail delivers");
      expect(idsOf(late)).toEqual(["after"]);
    });

    it("gives every listener the same entries in the same order", async () => {
      const log = await opener.open();
      const second: LogEntry[] = [];
      log.log.tail((entries) => second.push(...entries));
      for (const id of ids(20)) await log.append(id);
      await eventually(() => second.length >= 20, "the second tail delivers");
      expect(second).toEqual([...(await log.delivered(20))]);
    });

    it("delivers nothing after it is stopped, and may be stopped twice", async () => {
      const log = await opener.open();
      const heard: LogEntry[] = [];
      const stop = log.log.tail((entries) => heard.push(...entries));
      await log.append("a");
      await eventually(() => heard.length > 0, "the tail delivers before it is stopped");
      stop();
      stop();
      await log.append("b", "c");
      expect(idsOf(await log.delivered(3))).toEqual(["a", "b", "c"]);
      expect(idsOf(heard)).toEqual(["a"]);
    });

    it("delivers the same entries as a later read", async () => {
      const log = await opener.open();
      for (const batch of [["a"], ["b", "c"], ["d"]]) await log.append(...batch);
      const tailed = await log.delivered(4);
      expect((await log.log.read(undefined, 10))?.entries).toEqual([...tailed]);
    });

    it("delivers concurrent appends in one order, which keeps the order of each batch", async () => {
      const log = await opener.open();
      const batches = ids(10, "batch-").map((batch) => ids(5, `${batch}:`));
      await Promise.all(batches.map((batch) => log.append(...batch)));
      const order = idsOf(await log.delivered(50)) ?? [];
      expect([...order].sort()).toEqual(batches.flat().sort());
      for (const batch of batches) {
        expect(order.filter((id) => batch.includes(id))).toEqual(batch);
      }
      expect(await log.idsAfter(undefined)).toEqual(order);
    });

    it("is not called for an append without new messages", async () => {
      const log = await opener.open();
      const sizes: number[] = [];
      log.log.tail((entries) => sizes.push(entries.length));
      await log.append("a");
      await log.append("a");
      await log.append();
      await log.append("fence");
      await log.delivered(2);
      expect(sizes).not.toContain(0);
      expect(idsOf(log.tailed)).toEqual(["a", "fence"]);
    });
  });

  describe("an append", () => {
    it("returns a receipt for every message, in order", async () => {
      const log = await opener.open();
      const receipts = await log.append("b", "a", "c");
      expect(receipts).toEqual(["b", "a", "c"].map((id) => ({ id, duplicate: false })));
    });

    it("of no messages returns no receipts", async () => {
      const log = await opener.open();
      expect(await log.append()).toEqual([]);
      expect(await log.log.stats()).toMatchObject({
        accepted: 0,
        duplicate: 0,
        messages: 0,
        bytes: 0,
      });
    });

    it("can be read as soon as it has returned", async () => {
      const log = await opener.open();
      await log.append("a");
      expect(await log.idsAfter(undefined)).toEqual(["a"]);
      await log.append("b");
      expect(await log.idsAfter(undefined)).toEqual(["a", "b"]);
    });

    it("accepts a thousand messages at once", async () => {
      const log = await opener.open();
      const many = ids(1000);
      expect(await log.append(...many)).toHaveLength(1000);
      expect(idsOf(await log.delivered(1000))).toEqual(many);
    });

    it.skipIf(flags.ownClock !== undefined)("records the time of each message", async () => {
      const log = await opener.open();
      const start = log.now;
      await log.append("a");
      log.pass(1234);
      await log.append("b", "c");
      const times = (await log.delivered(3)).map((entry) => entry.at);
      expect(times).toEqual([start, start + 1234, start + 1234]);
    });
  });

  describe("stats", () => {
    it("count accepted messages, duplicates and kept messages", async () => {
      const log = await opener.open();
      await log.append("a", "b", "a");
      await log.append("b", "c");
      const { accepted, duplicate, messages } = await log.log.stats();
      expect({ accepted, duplicate, messages }).toEqual({ accepted: 3, duplicate: 2, messages: 3 });
    });

    it.skipIf(flags.noByteBound !== undefined)(
      "count ids, topics, data and changes as UTF-8",
      async () => {
        const log = await opener.open();
        await log.appendMessages([message("é", { topics: ["🦊", "ab"], data: '"ü"' })]);
        expect((await log.log.stats()).bytes).toBe(2 + 4 + 2 + 4);
        await log.appendMessages([message("x", { topics: [], data: "1" })]);
        expect((await log.log.stats()).bytes).toBe(12 + 2);
        await log.appendMessages([message("y", { topics: [], data: "1", change: '"ü"' })]);
        expect((await log.log.stats()).bytes).toBe(12 + 2 + 6);
      },
    );
  });
}
