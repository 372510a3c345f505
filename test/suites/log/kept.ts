import { afterEach, describe, expect, it } from "vitest";
import type { HistoryLimits } from "../../../src/log/log.ts";
import {
  ids,
  type LogFlags,
  LogOpener,
  type LogUnderTest,
  message,
  type OpenLog,
  type OpenLogOptions,
} from "./context.ts";

/** A history that has room for one message. */
const ONE: HistoryLimits = { messages: 1, maxAge: 1e9, bytes: 1e9 };

const KEEP_TWO = [{ match: "chat/*", keep: 2 }];

/** The messages that topic rules keep beyond the limits of the history. */
export function keptTests(openLog: OpenLog, flags: LogFlags): void {
  const opener = new LogOpener(openLog);
  afterEach(() => opener.closeAll());
  const open = (options: Omit<OpenLogOptions, "now" | "history">, history = ONE) =>
    opener.open(history, options);

  describe("topic rules", () => {
    it("keep the newest messages of each topic whatever else is published", async () => {
      const log = await open({ topics: KEEP_TWO });
      await publish(log, ["chat/1", "a"], ["chat/1", "b"], ["chat/1", "c"], ["chat/2", "d"]);
      await publish(log, ...ids(50).map((id) => ["noise", id] as const));
      expect(await log.idsAfter(undefined)).toEqual(["b", "c", "d", "m50"]);
      expect(await log.idsBefore(undefined)).toEqual(["m50", "d", "c", "b"]);
      await publish(log, ["chat/1", "e"]);
      expect(await log.idsAfter(undefined)).toEqual(["c", "d", "e"]);
    });

    it("of which the first that matches applies", async () => {
      const topics = [{ match: "chat/off" }, { match: "chat/*", keep: 2 }, { match: "*", keep: 1 }];
      const log = await open({ topics });
      await publish(log, ["chat/off", "a"], ["chat/on", "b"], ["chat/on", "c"], ["chat", "d"]);
      await publish(log, ["chat", "e"], ["other", "f"], ["chat/off", "g"], ["chat/off", "h"]);
      expect(await log.idsAfter(undefined)).toEqual(["b", "c", "e", "f", "h"]);
    });

    it("keep messages for longer than the history", {
      skip: flags.ownClock !== undefined,
    }, async () => {
      const log = await open({ topics: KEEP_TWO }, { ...ONE, messages: 100, maxAge: 1000 });
      await publish(log, ["chat/1", "a"], ["other", "b"]);
      log.pass(86_400_000);
      expect(await log.idsAfter(undefined)).toEqual(["a"]);
    });

    it("keep messages although the history is off", async () => {
      const log = await open({ topics: KEEP_TWO }, { messages: 0, maxAge: 0, bytes: 0 });
      expect(log.log.keepsHistory).toBe(true);
      await publish(log, ["chat/1", "a"], ["other", "b"]);
      expect(await log.idsAfter(undefined)).toEqual(["a"]);
    });

    it("do not make a position before the limits complete", async () => {
      const log = await open({ topics: KEEP_TWO });
      const start = log.log.cursor();
      await publish(log, ["chat/1", "a"], ["other", "b"], ["other", "c"]);
      const page = await log.log.read(start, 10);
      expect(page).toMatchObject({ trimmedTo: 2, end: 3 });
      expect(page?.entries.map((entry) => entry.message.id)).toEqual(["a", "c"]);
    });

    it("keep a message to several topics while one of them keeps it, for readers of all its topics", async () => {
      const topics = [
        { match: "a", keep: 1 },
        { match: "b", keep: 5 },
      ];
      const log = await open({ topics });
      await log.appendMessages([message("both", { topics: ["a", "b", "c"] })]);
      await publish(log, ["a", "next"], ["noise", "n"]);
      for (const topic of ["a", "b", "c", "*"]) {
        const page = await log.log.read(undefined, 10, undefined, [topic]);
        const got = page?.entries.map((entry) => entry.message.id);
        expect(got, topic).toContain("both");
      }
      const { kept } = await log.log.stats();
      expect(kept).toMatchObject({ topics: 2, messages: 2 });
    });

    it("keep messages to a topic with the text of a pattern, apart from those that the pattern matches", async () => {
      const log = await open({ topics: KEEP_TWO });
      await publish(log, ["chat/*", "a"], ["chat/1", "b"], ["chat/*", "c"], ["chat/*", "d"]);
      await publish(log, ["chat/*", "e"], ["noise", "n"]);
      expect(await log.idsAfter(undefined)).toEqual(["b", "d", "e", "n"]);
      const page = await log.log.readBack(undefined, 10, undefined, ["chat/*"]);
      const got = page?.entries.map((entry) => entry.message.id) ?? [];
      expect(got.filter((id) => id !== "n")).toEqual(["e", "d", "b"]);
    });
  });

  describe("the limits of kept messages", () => {
    it("make the log forget the topics that have been silent for the longest time", async () => {
      const log = await open({ topics: KEEP_TWO, kept: { topics: 2 } });
      await publish(log, ["chat/1", "a"], ["chat/2", "b"], ["chat/1", "c"], ["chat/3", "d"]);
      await publish(log, ["noise", "n"]);
      expect(await log.idsAfter(undefined)).toEqual(["a", "c", "d", "n"]);
      const { kept } = await log.log.stats();
      expect(kept).toMatchObject({ topics: 2, messages: 3, evicted: 1 });
    });

    it("count bytes, and leave the only topic as many of its newest messages as fit", async () => {
      const size = 6 + 1 + JSON.stringify({ id: "a" }).length;
      const log = await open({ topics: [{ match: "*", keep: 9 }], kept: { bytes: 2 * size } });
      await publish(log, ["chat/1", "a"], ["chat/2", "b"], ["chat/2", "c"]);
      expect((await log.log.stats()).kept).toEqual({
        topics: 1,
        messages: 2,
        bytes: 2 * size,
        evicted: 1,
      });
      await publish(log, ["chat/2", "d"]);
      expect(await log.idsAfter(undefined)).toEqual(["c", "d"]);
    });
  });

  describe.skipIf(flags.ownClock !== undefined)("a message with a ttl", () => {
    it("is read until its ttl has passed, whether a rule keeps it or not", async () => {
      const log = await open({ topics: KEEP_TWO }, { ...ONE, messages: 2 });
      const topics = ["chat/1"];
      await log.appendMessages([message("kept", { topics, ttl: 2 }), message("old", { topics })]);
      await log.appendMessages([message("recent", { ttl: 3 }), message("last")]);
      const page = await log.log.read(undefined, 10);
      expect(page?.entries[0]?.message).toEqual(message("kept", { topics, ttl: 2 }));
      log.pass(1999);
      expect(await log.idsAfter(undefined)).toEqual(["kept", "old", "recent", "last"]);
      log.pass(1);
      expect(await log.idsAfter(undefined)).toEqual(["old", "recent", "last"]);
      log.pass(1000);
      expect(await log.idsAfter(undefined)).toEqual(["old", "last"]);
      expect(await log.idsBefore(undefined)).toEqual(["last", "old"]);
    });

    it("is left out of a page, which is as long as if the message had never been there", async () => {
      const log = await opener.open();
      await log.appendMessages([message("a"), message("b", { ttl: 1 }), message("c")]);
      await log.append("d");
      log.pass(1000);
      expect(await log.idsAfter(undefined, 2)).toEqual(["a", "c"]);
      expect(await log.idsBefore(undefined, 3)).toEqual(["d", "c", "a"]);
      expect((await log.log.read(undefined, 10))?.trimmedTo).toBe(0);
    });
  });
}

/** Publishes a message to each topic. */
async function publish(
  log: LogUnderTest,
  ...messages: readonly (readonly [topic: string, id: string])[]
): Promise<void> {
  await log.appendMessages(messages.map(([topic, id]) => message(id, { topics: [topic] })));
}
