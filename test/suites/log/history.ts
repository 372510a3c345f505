import { afterEach, describe, expect, it } from "vitest";
import type { HistoryLimits } from "../../../src/log/log.ts";
import { eventually } from "../../support/deadline.ts";
import {
  at,
  ids,
  idsOf,
  type LogFlags,
  LogOpener,
  type LogUnderTest,
  message,
  type OpenLog,
} from "./context.ts";

/** So large that only the other limits apply. */
const UNBOUNDED: HistoryLimits = { messages: 1e6, maxAge: 1e9, bytes: 1e9 };

/** The entries that the history keeps, and reads from trimmed cursors. */
export function historyTests(openLog: OpenLog, flags: LogFlags): void {
  const opener = new LogOpener(openLog);
  afterEach(() => opener.closeAll());
  const open = (limits: Partial<HistoryLimits>) => opener.open({ ...UNBOUNDED, ...limits });

  describe("history by number", () => {
    it("keeps the newest messages, up to the limit", async () => {
      const log = await open({ messages: 3 });
      await log.append("a", "b", "c");
      expect(await log.idsAfter(undefined)).toEqual(["a", "b", "c"]);
      await log.append("d");
      expect(await log.idsAfter(undefined)).toEqual(["b", "c", "d"]);
      await log.append(...ids(10));
      expect(await log.idsAfter(undefined)).toEqual(["m8", "m9", "m10"]);
      expect((await log.log.stats()).messages).toBe(3);
    });

    it("trims within one batch, and the tail still gets the whole batch", async () => {
      const log = await open({ messages: 2 });
      await log.append(...ids(50));
      expect(await log.idsAfter(undefined)).toEqual(["m49", "m50"]);
      expect(idsOf(await log.delivered(50))).toEqual(ids(50));
    });

    it("can be read from the oldest cursor with all its successors, and not from the cursor before", async () => {
      const log = await open({ messages: 3 });
      const cursors = await log.cursorsOf(...ids(10));
      await expectEdge(log, cursors, 7);
    });

    it("keeps to the limit through a thousand single appends", async () => {
      const log = await open({ messages: 10 });
      const cursors: string[] = [];
      for (const batch of ids(100)) cursors.push(...(await log.cursorsOf(...ids(10, `${batch}:`))));
      await expectEdge(log, cursors, 990);
    });
  });

  describe.skipIf(flags.ownClock !== undefined)("history by age", () => {
    it("keeps messages until they reach the age limit", async () => {
      const log = await open({ maxAge: 1000 });
      await log.append("a");
      log.pass(600);
      await log.append("b");
      log.pass(399);
      expect(await log.idsAfter(undefined)).toEqual(["a", "b"]);
      log.pass(1);
      expect(await log.idsAfter(undefined)).toEqual(["b"]);
      expect((await log.log.stats()).messages).toBe(1);
      log.pass(600);
      expect(await log.idsAfter(undefined)).toEqual([]);
      expect(await log.log.stats()).toMatchObject({ accepted: 2, messages: 0, bytes: 0 });
    });

    it("ends exactly at the age limit, although nothing was appended since", async () => {
      const log = await open({ maxAge: 1000 });
      const cursors: string[] = [];
      for (const id of ids(10)) {
        cursors.push(...(await log.cursorsOf(id)));
        log.pass(100);
      }
      await expectEdge(log, cursors, 1);
      log.pass(400);
      await expectEdge(log, cursors, 5);
    });

    it("that has expired completely leaves only the newest cursor readable", async () => {
      const log = await open({ maxAge: 1000 });
      const cursors = await log.cursorsOf("a", "b");
      log.pass(5000);
      await expectEdge(log, cursors, 2);
      await log.append("c");
      expect(await log.idsAfter(at(cursors, 1))).toEqual(["c"]);
      expect(await log.idsAfter(at(cursors, 0))).toBeUndefined();
    });
  });

  describe.skipIf(flags.noByteBound !== undefined)("history by bytes", () => {
    /** 100 bytes: an id of one, a topic of nine, data of 90. */
    const hundred = (id: string) =>
      message(id, { topics: ["123456789"], data: `"${"x".repeat(88)}"` });

    it("keeps the newest messages that fit", async () => {
      const log = await open({ bytes: 300 });
      await log.appendMessages(["a", "b", "c"].map(hundred));
      expect(await log.idsAfter(undefined)).toEqual(["a", "b", "c"]);
      expect((await log.log.stats()).bytes).toBe(300);
      await log.appendMessages([message("d", { topics: [], data: "" })]);
      expect(await log.idsAfter(undefined)).toEqual(["b", "c", "d"]);
      expect((await log.log.stats()).bytes).toBe(201);
    });

    it("ends exactly at the byte limit", async () => {
      const log = await open({ bytes: 299 });
      await log.appendMessages([..."abcdefgh"].map(hundred));
      const cursors = (await log.delivered(8)).map(({ cursor }) => cursor);
      await expectEdge(log, cursors, 6);
    });

    it("counts bytes, not characters", async () => {
      const log = await open({ bytes: 20 });
      await log.appendMessages([message("a", { topics: [], data: `"${"ä".repeat(7)}"` })]);
      expect(await log.idsAfter(undefined)).toEqual(["a"]);
      await log.appendMessages([message("b", { topics: [], data: '"ää"' })]);
      expect(await log.idsAfter(undefined)).toEqual(["b"]);
    });

    it("does not keep a message that exceeds the limit, and the tail delivers the message", async () => {
      const log = await open({ bytes: 50 });
      await log.append("a");
      await log.appendMessages([hundred("b")]);
      expect(idsOf(await log.delivered(2))).toEqual(["a", "b"]);
      expect(await log.idsAfter(undefined)).toEqual([]);
      expect(await log.idsAfter(at(log.tailed, 0).cursor)).toBeUndefined();
      expect(await log.idsAfter(at(log.tailed, 1).cursor)).toEqual([]);
    });
  });

  const off: [name: keyof HistoryLimits, flag: string | undefined][] = [
    ["messages", undefined],
    ["maxAge", flags.ownClock],
    ["bytes", flags.noByteBound],
  ];
  describe("a log", () => {
    it("keeps a history unless one of its limits is 0", async () => {
      for (const [name] of off) {
        expect((await open({ [name]: 0 })).log.keepsHistory, `${name}: 0`).toBe(false);
        expect((await open({ [name]: 1 })).log.keepsHistory, `${name}: 1`).toBe(true);
      }
      const none = { messages: 0, maxAge: 0, bytes: 0 };
      expect((await opener.open(none)).log.keepsHistory).toBe(false);
      expect((await opener.open()).log.keepsHistory).toBe(true);
    });
  });

  for (const [name, flag] of off) {
    describe.skipIf(flag !== undefined)(`history off by ${name}: 0`, () => {
      it("keeps nothing, and the tail still delivers in order", async () => {
        const log = await open({ [name]: 0 });
        await log.append("a", "b");
        await log.append("c");
        expect(idsOf(await log.delivered(3))).toEqual(["a", "b", "c"]);
        expect(await log.idsAfter(undefined)).toEqual([]);
        expect(await log.log.stats()).toMatchObject({ accepted: 3, messages: 0, bytes: 0 });
      });

      it("still recognises duplicates", async () => {
        const log = await open({ [name]: 0 });
        await log.append("a");
        expect(await log.append("a", "b", "b")).toEqual([
          { id: "a", duplicate: true },
          { id: "b", duplicate: false },
          { id: "b", duplicate: true },
        ]);
        expect(idsOf(await log.delivered(2))).toEqual(["a", "b"]);
        expect(await log.log.stats()).toMatchObject({ accepted: 2, duplicate: 2 });
      });

      it("reads nothing after the newest cursor and undefined after every other", async () => {
        const log = await open({ [name]: 0 });
        const start = log.log.cursor();
        expect(await log.idsAfter(start)).toEqual([]);
        const cursors = await log.cursorsOf("a", "b");
        await expectEdge(log, [start, ...cursors], 3);
      });
    });
  }

  describe("a limit that is left out", () => {
    it("has its default: ten thousand messages and 32 MiB", async () => {
      const log = await opener.open({});
      for (const batch of ids(11)) await log.append(...ids(1000, `${batch}:`));
      expect((await log.log.stats()).messages).toBe(10_000);
      const mebibyte = JSON.stringify("x".repeat(1024 * 1024));
      for (const id of ids(40, "large"))
        await log.appendMessages([message(id, { data: mebibyte })]);
      if (flags.noByteBound === undefined) {
        const expected = ids(40, "large").slice(-31);
        // A log on disk deletes many messages in several turns of the event loop.
        const isTrimmed = async () => (await log.idsAfter(undefined))?.[0] === expected[0];
        await eventually(isTrimmed, "the log deletes what exceeds the limit");
        expect(await log.idsAfter(undefined)).toEqual(expected);
      }
    });

    it.skipIf(flags.ownClock !== undefined)("has its default: five minutes", async () => {
      const log = await opener.open();
      await log.append("a");
      log.pass(299_999);
      expect(await log.idsAfter(undefined)).toEqual(["a"]);
      log.pass(1);
      expect(await log.idsAfter(undefined)).toEqual([]);
    });
  });
}

/**
 * Expects that the cursors from the `kept`-th on (counted from 1) return the entries after them, and that the earlier cursors,
 * after which entries were trimmed, return undefined.
 */
async function expectEdge(log: LogUnderTest, cursors: readonly string[], kept: number) {
  const newest = cursors.length;
  for (const [index, cursor] of cursors.entries()) {
    const after = await log.idsAfter(cursor);
    const label = `cursor ${index + 1} of ${newest}`;
    if (index + 1 < kept) expect(after, label).toBeUndefined();
    else expect(after?.length, label).toBe(newest - index - 1);
  }
}
