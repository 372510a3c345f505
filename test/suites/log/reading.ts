import fc from "fast-check";
import { nanoid } from "nanoid";
import { afterEach, describe, expect, it } from "vitest";
import { formatCursor, parseCursor } from "../../../src/realtime/cursor.ts";
import { eventually } from "../../support/deadline.ts";
import { at, ids, LogOpener, message, type OpenLog } from "./context.ts";

/** Cursors, and reading after them. */
export function readingTests(openLog: OpenLog): void {
  const opener = new LogOpener(openLog);
  afterEach(() => opener.closeAll());

  describe("reading", () => {
    it("without a cursor begins at the oldest entry kept", async () => {
      const log = await opener.open();
      expect(await log.idsAfter(undefined)).toEqual([]);
      await log.append("a", "b", "c");
      expect(await log.idsAfter(undefined)).toEqual(["a", "b", "c"]);
    });

    it("after a cursor returns the entries after it, and nothing else", async () => {
      const log = await opener.open();
      const names = ids(30);
      const cursors = await log.cursorsOf(...names);
      for (const [index, cursor] of cursors.entries()) {
        expect(await log.idsAfter(cursor)).toEqual(names.slice(index + 1));
      }
    });

    it("returns at most `limit` entries, the oldest ones", async () => {
      const log = await opener.open();
      const cursors = await log.cursorsOf("a", "b", "c", "d", "e");
      expect(await log.idsAfter(undefined, 2)).toEqual(["a", "b"]);
      expect(await log.idsAfter(at(cursors, 1), 2)).toEqual(["c", "d"]);
      expect(await log.idsAfter(at(cursors, 3), 2)).toEqual(["e"]);
      expect(await log.idsAfter(at(cursors, 0), 1)).toEqual(["b"]);
      expect(await log.idsAfter(at(cursors, 0), 0)).toEqual([]);
    });

    it("page by page, with the cursor of each page's last entry, returns every entry once", async () => {
      const log = await opener.open();
      const names = ids(103);
      await log.append(...names);
      const pages: string[][] = [];
      let cursor: string | undefined;
      for (;;) {
        const page = (await log.log.read(cursor, 10))?.entries ?? [];
        if (page.length === 0) break;
        pages.push(page.map(({ message }) => message.id));
        cursor = page.at(-1)?.cursor;
        expect(pages.length).toBeLessThan(12);
      }
      expect(pages.map((page) => page.length)).toEqual([...Array(10).fill(10), 3]);
      expect(pages.flat()).toEqual(names);
    });

    it("returns entries with the same cursors and times as the tail", async () => {
      const log = await opener.open();
      const [first = ""] = await log.cursorsOf("a", "b", "c");
      expect((await log.log.read(first, 10))?.entries).toEqual(log.tailed.slice(1));
    });
  });

  it("returns the trace context of a message, and adds none to other messages", async () => {
    const log = await opener.open();
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const messages = [message("a", { traceparent }), message("b", { ttl: 60, traceparent })];
    const all = [...messages, message("c")];
    await log.appendMessages(all);
    await eventually(() => log.tailed.length === 3, "the tail delivers the messages");
    expect(log.tailed.map((entry) => entry.message)).toEqual(all);
    expect((await log.log.read(undefined, 10))?.entries.map((entry) => entry.message)).toEqual(all);
    expect(Object.keys(log.tailed[2]?.message ?? {})).not.toContain("traceparent");
    // A retry belongs to another trace, and is the same message.
    const again = traceparent.replace("4bf9", "ffff");
    expect(await log.appendMessages([message("a", { traceparent: again })])).toEqual([
      { id: "a", duplicate: true },
    ]);
  });

  describe("a cursor", () => {
    it("belongs to one entry only", async () => {
      const log = await opener.open();
      const cursors: string[] = [];
      for (const batch of ids(10)) cursors.push(...(await log.cursorsOf(...ids(10, `${batch}:`))));
      expect(new Set(cursors).size).toBe(100);
      for (const cursor of cursors) expect(cursor).toMatch(/^[!-~]{1,255}$/);
    });

    it("of the newest entry has no entries after it until the next append", async () => {
      const log = await opener.open();
      const [cursor = ""] = await log.cursorsOf("a");
      expect(await log.idsAfter(cursor)).toEqual([]);
      await log.append("b");
      expect(await log.idsAfter(cursor)).toEqual(["b"]);
    });

    it("from an empty log is a cursor to resume from", async () => {
      const log = await opener.open();
      const start = log.log.cursor();
      expect(await log.idsAfter(start)).toEqual([]);
      await log.append("a", "b");
      expect(await log.idsAfter(start)).toEqual(["a", "b"]);
    });

    it("from `log.cursor()` is that of the newest entry in the tail", async () => {
      const log = await opener.open();
      for (const id of ids(5)) {
        const [cursor] = await log.cursorsOf(id);
        await eventually(() => log.log.cursor() === cursor, "the log's cursor moves on");
      }
      const before = log.log.cursor();
      await log.append("m5");
      expect(log.log.cursor()).toBe(before);
    });

    it("is read without a suffix that follows a dot", async () => {
      const log = await opener.open();
      const [cursor = ""] = await log.cursorsOf("a", "b");
      for (const suffix of [`.${nanoid()}`, ".", ".a.b", ".-_0"]) {
        expect(await log.idsAfter(cursor + suffix), suffix).toEqual(["b"]);
      }
    });
  });

  describe("reading returns undefined after an unknown cursor:", () => {
    it("nonsense", async () => {
      const log = await opener.open();
      const [cursor = ""] = await log.cursorsOf("a");
      const nonsense = ["", " ", "0", "-1", "0-0-0", "$", "*", "+", "null", "\0", "0".repeat(5000)];
      const nearly = [`${cursor}x`, ` ${cursor}`, `${cursor}\n`, `-${cursor}`, cursor.slice(0, -1)];
      for (const text of [...nonsense, ...nearly]) {
        expect(await log.idsAfter(text), JSON.stringify(text)).toBeUndefined();
      }
    });

    it("any text at all", async () => {
      const log = await opener.open();
      await log.append("a");
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
          expect(await log.idsAfter(text)).toBeUndefined();
        }),
      );
    });

    it("a client id", async () => {
      const log = await opener.open();
      await log.append("a");
      for (let count = 0; count < 100; count += 1) {
        expect(await log.idsAfter(`0-${nanoid()}`)).toBeUndefined();
      }
      // nanoid's alphabet contains "-", so a client id can look like a cursor.
      expect(await log.idsAfter("0-V1StGXR8Z5jdHi6BmyT-1")).toBeUndefined();
    });

    it("a cursor from another epoch of the log", async () => {
      const log = await opener.open();
      const other = await opener.open();
      const cursors = await log.cursorsOf("a", "b");
      const others = [other.log.cursor(), ...(await other.cursorsOf("a", "b"))];
      for (const cursor of others) expect(await log.idsAfter(cursor)).toBeUndefined();
      expect(await log.idsAfter(at(cursors, 0))).toEqual(["b"]);
      expect(cursors).not.toContain(at(others, 1));
    });

    it("a cursor of another shard", async () => {
      const log = await opener.open();
      const parsed = parseCursor(at(await log.cursorsOf("a", "b"), 0));
      expect(parsed).toBeDefined();
      if (parsed === undefined) return;
      expect(await log.idsAfter(formatCursor(parsed))).toEqual(["b"]);
      const elsewhere = formatCursor({ ...parsed, shard: parsed.shard + 1 });
      expect(await log.idsAfter(elsewhere)).toBeUndefined();
    });

    it("a cursor beyond the newest entry", async () => {
      const log = await opener.open();
      const parsed = parseCursor(at(await log.cursorsOf("a"), 0));
      expect(parsed).toBeDefined();
      if (parsed === undefined) return;
      for (const step of [1, 2, 1000]) {
        const beyond = formatCursor({ ...parsed, sequence: parsed.sequence + step });
        expect(await log.idsAfter(beyond)).toBeUndefined();
      }
    });
  });
}
