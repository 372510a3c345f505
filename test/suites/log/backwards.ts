import { nanoid } from "nanoid";
import { afterEach, describe, expect, it } from "vitest";
import { formatCursor, parseCursor } from "../../../src/realtime/cursor.ts";
import { at, ids, type LogFlags, LogOpener, message, type OpenLog, reverse } from "./context.ts";

/** Reading before a cursor, newest first. */
export function backwardsTests(openLog: OpenLog, flags: LogFlags): void {
  const opener = new LogOpener(openLog);
  afterEach(() => opener.closeAll());

  describe("reading back", () => {
    it("without a cursor begins at the newest entry", async () => {
      const log = await opener.open();
      expect(await log.idsBefore(undefined)).toEqual([]);
      await log.append("a", "b");
      await log.append("c");
      expect(await log.idsBefore(undefined)).toEqual(["c", "b", "a"]);
    });

    it("before a cursor returns the entries before it, newest first, and nothing else", async () => {
      const log = await opener.open();
      const names = ids(30);
      for (const [index, cursor] of (await log.cursorsOf(...names)).entries()) {
        expect(await log.idsBefore(cursor)).toEqual(reverse(names.slice(0, index)));
      }
    });

    it("before the cursor after the newest entry includes the newest entry", async () => {
      const log = await opener.open();
      expect(await log.idsBefore(beyond(log.log.cursor(), 1))).toEqual([]);
      const [, , newest = ""] = await log.cursorsOf("a", "b", "c");
      expect(await log.idsBefore(beyond(newest, 1))).toEqual(["c", "b", "a"]);
      await log.append("d");
      expect(await log.idsBefore(beyond(newest, 1))).toEqual(["c", "b", "a"]);
    });

    it("before the first entry returns nothing", async () => {
      const log = await opener.open();
      const start = log.log.cursor();
      expect(await log.idsBefore(start)).toEqual([]);
      const [first = ""] = await log.cursorsOf("a", "b");
      expect(await log.idsBefore(start)).toEqual([]);
      expect(await log.idsBefore(first)).toEqual([]);
    });

    it("returns at most `limit` entries, the newest ones", async () => {
      const log = await opener.open();
      const cursors = await log.cursorsOf("a", "b", "c", "d", "e");
      expect(await log.idsBefore(undefined, 2)).toEqual(["e", "d"]);
      expect(await log.idsBefore(at(cursors, 3), 2)).toEqual(["c", "b"]);
      expect(await log.idsBefore(at(cursors, 1), 2)).toEqual(["a"]);
      expect(await log.idsBefore(at(cursors, 4), 1)).toEqual(["d"]);
      expect(await log.idsBefore(undefined, 0)).toEqual([]);
    });

    it("page by page, with the cursor of each page's last entry, returns every entry once", async () => {
      const log = await opener.open();
      const names = ids(103);
      await log.append(...names);
      const pages: string[][] = [];
      let cursor: string | undefined;
      for (;;) {
        const page = (await log.log.readBack(cursor, 10))?.entries ?? [];
        if (page.length === 0) break;
        pages.push(page.map(({ message }) => message.id));
        cursor = page.at(-1)?.cursor;
        expect(pages.length).toBeLessThan(12);
      }
      expect(pages.map((page) => page.length)).toEqual([...Array(10).fill(10), 3]);
      expect(pages.flat()).toEqual(reverse(names));
    });

    it("returns the same entries as the tail and as reading forwards", async () => {
      const log = await opener.open();
      await log.appendMessages([
        message("a", { topics: ["posts/r1", "posts"], private: true }),
        message("b", { data: JSON.stringify("🦊 \0 \ud800") }),
      ]);
      await log.delivered(2);
      expect((await log.log.readBack(undefined, 10))?.entries).toEqual(reverse(log.tailed));
      expect((await log.log.read(undefined, 10))?.entries).toEqual(log.tailed);
    });
  });

  describe("reading back to the start of the history", () => {
    it("ends at the oldest entry kept, and returns nothing before a trimmed cursor", async () => {
      const log = await opener.open({ messages: 3 });
      const start = log.log.cursor();
      const cursors = [start, ...(await log.cursorsOf(...ids(10)))];
      const pages = await Promise.all(cursors.map((cursor) => log.idsBefore(cursor)));
      expect(pages).toEqual([
        ...Array.from({ length: 9 }, () => []),
        ["m8"],
        ["m9", "m8"], // The eleventh cursor: before m10.
      ]);
      expect(await log.idsBefore(undefined)).toEqual(["m10", "m9", "m8"]);
    });

    it.skipIf(flags.ownClock !== undefined)(
      "leaves out entries that have become too old, although nothing was appended since",
      async () => {
        const log = await opener.open({ maxAge: 1000 });
        await log.append("a");
        log.pass(600);
        const [newest = ""] = await log.cursorsOf("b", "c");
        log.pass(400);
        expect(await log.idsBefore(undefined)).toEqual(["c", "b"]);
        expect(await log.idsBefore(newest)).toEqual([]);
        log.pass(600);
        expect(await log.idsBefore(undefined)).toEqual([]);
        expect(await log.idsBefore(newest)).toEqual([]);
      },
    );

    it("returns nothing when the history is off", async () => {
      const log = await opener.open({ messages: 0 });
      const cursors = [log.log.cursor(), ...(await log.cursorsOf("a", "b")), undefined];
      for (const cursor of cursors) expect(await log.idsBefore(cursor)).toEqual([]);
    });
  });

  describe("reading back returns undefined before an unknown cursor:", () => {
    it("nonsense", async () => {
      const log = await opener.open();
      const [cursor = ""] = await log.cursorsOf("a");
      const nonsense = ["", " ", "0", "-1", "0-0-0", "$", "\0", nanoid(), `0-${nanoid()}`];
      for (const text of [...nonsense, `${cursor}x`, ` ${cursor}`, `${cursor}~`, `${cursor}~A`]) {
        expect(await log.idsBefore(text), JSON.stringify(text)).toBeUndefined();
      }
    });

    it("a cursor from another epoch of the log, and one of another shard", async () => {
      const log = await opener.open();
      const other = await opener.open();
      await log.append("a", "b");
      const others = [other.log.cursor(), ...(await other.cursorsOf("a", "b"))];
      for (const cursor of others) expect(await log.idsBefore(cursor)).toBeUndefined();
      const cursor = parse(at(log.tailed, 1).cursor);
      const elsewhere = formatCursor({ ...cursor, shard: cursor.shard + 1 });
      expect(await log.idsBefore(elsewhere)).toBeUndefined();
    });

    it("a cursor beyond the cursor after the newest entry", async () => {
      const log = await opener.open();
      expect(await log.idsBefore(beyond(log.log.cursor(), 2))).toBeUndefined();
      const [newest = ""] = await log.cursorsOf("a");
      for (const step of [2, 3, 1000]) {
        expect(await log.idsBefore(beyond(newest, step))).toBeUndefined();
      }
    });
  });
}

function parse(cursor: string) {
  const parsed = parseCursor(cursor);
  expect(parsed, cursor).toBeDefined();
  return parsed as NonNullable<typeof parsed>;
}

/** The cursor `step` messages after another. */
function beyond(cursor: string, step: number): string {
  const parsed = parse(cursor);
  return formatCursor({ ...parsed, sequence: parsed.sequence + step });
}
