import { nanoid } from "nanoid";
import { afterEach, describe, expect, it } from "vitest";
import { hashKey } from "../../../src/realtime/cursor.ts";
import { at, idsOf, LogOpener, type LogUnderTest, message, type OpenLog } from "./context.ts";

/** 100 bytes: an id of one, a topic of nine, data of 90. */
const hundred = (id: string) => message(id, { topics: ["123456789"], data: `"${"x".repeat(88)}"` });

/** The byte limit of a page, for reading forwards and back. */
export function pageTests(openLog: OpenLog): void {
  const opener = new LogOpener(openLog);
  afterEach(() => opener.closeAll());

  /** A log with messages of 100 bytes each, and their cursors. */
  async function openWith(letters: string): Promise<{ log: LogUnderTest; cursors: string[] }> {
    const log = await opener.open();
    await log.appendMessages([...letters].map(hundred));
    const entries = await log.delivered(letters.length);
    return { log, cursors: entries.map(({ cursor }) => cursor) };
  }

  describe("a page", () => {
    it("has no more entries than its byte limit allows", async () => {
      const { log, cursors } = await openWith("abcdef");
      const rooms: [maxBytes: number, forwards: string, back: string][] = [
        [100, "b", "e"],
        [199, "b", "e"],
        [200, "bc", "ed"],
        [399, "bcd", "edc"],
        [500, "bcdef", "edcba"],
        [1e9, "bcdef", "edcba"],
      ];
      for (const [maxBytes, forwards, back] of rooms) {
        const [after, before] = [at(cursors, 0), at(cursors, 5)];
        expect(await log.idsAfter(after, 10, maxBytes)).toEqual([...forwards]);
        expect(await log.idsBefore(before, 10, maxBytes)).toEqual([...back]);
      }
      expect(await log.idsAfter(undefined, 10, 250)).toEqual(["a", "b"]);
      expect(await log.idsBefore(undefined, 10, 250)).toEqual(["f", "e"]);
    });

    it("keeps to both limits, whichever is reached first", async () => {
      const { log } = await openWith("abcdef");
      expect(await log.idsAfter(undefined, 1, 300)).toEqual(["a"]);
      expect(await log.idsBefore(undefined, 1, 300)).toEqual(["f"]);
      expect(await log.idsAfter(undefined, 0, 300)).toEqual([]);
      expect(await log.idsBefore(undefined, 0, 300)).toEqual([]);
    });

    it("has at least one entry if there is one, whatever its byte limit", async () => {
      const { log, cursors } = await openWith("abc");
      for (const maxBytes of [0, 1, 99]) {
        expect(await log.idsAfter(undefined, 10, maxBytes)).toEqual(["a"]);
        expect(await log.idsAfter(at(cursors, 1), 10, maxBytes)).toEqual(["c"]);
        expect(await log.idsAfter(at(cursors, 2), 10, maxBytes)).toEqual([]);
        expect(await log.idsBefore(undefined, 10, maxBytes)).toEqual(["c"]);
        expect(await log.idsBefore(at(cursors, 1), 10, maxBytes)).toEqual(["a"]);
        expect(await log.idsBefore(at(cursors, 0), 10, maxBytes)).toEqual([]);
      }
    });

    it("does not skip an entry that is too large for a small entry after it", async () => {
      const log = await opener.open();
      const large = message("large", { data: JSON.stringify("x".repeat(5000)) });
      await log.appendMessages([hundred("a"), large, hundred("b")]);
      expect(await log.idsAfter(undefined, 10, 1000)).toEqual(["a"]);
      expect(await log.idsBefore(undefined, 10, 1000)).toEqual(["b"]);
      const [before = "", last = ""] = log.tailed.map(({ cursor }) => cursor);
      expect(await log.idsAfter(before, 10, 1000)).toEqual(["large"]);
      expect(await log.idsAfter(last, 10, 1000)).toEqual(["b"]);
    });

    it("counts ids, topics and data, as UTF-8", async () => {
      const log = await opener.open();
      // 12 bytes each in 7 UTF-16 code units.
      const all = ["é", "è"].map((id) => message(id, { topics: ["🦊", "ab"], data: '"ü"' }));
      await log.appendMessages(all);
      expect(await log.idsAfter(undefined, 10, 23)).toEqual(["é"]);
      expect(await log.idsBefore(undefined, 10, 23)).toEqual(["è"]);
      expect(await log.idsAfter(undefined, 10, 24)).toEqual(["é", "è"]);
      expect(await log.idsBefore(undefined, 10, 24)).toEqual(["è", "é"]);
    });
  });

  describe("a cursor", () => {
    it("is read the same with a key, with a suffix, and with both", async () => {
      const { log, cursors } = await openWith("abc");
      const hashes = ["0".repeat(32), hashKey("chat"), "f".repeat(32)].map((hash) => `~${hash}`);
      const suffixes = [".", `.${nanoid()}`, ".~x", ".a.b", ".-_0"];
      const both = hashes.flatMap((hash) => suffixes.map((suffix) => hash + suffix));
      for (const rest of [...hashes, ...suffixes, ...both]) {
        expect(await log.idsAfter(at(cursors, 1) + rest), rest).toEqual(["c"]);
        expect(await log.idsBefore(at(cursors, 1) + rest), rest).toEqual(["a"]);
      }
    });

    it("is unknown with any other suffix", async () => {
      const { log, cursors } = await openWith("ab");
      const hash = `~${hashKey("chat")}`;
      const more = [hash.toUpperCase(), `${hash} b`, `${hash}~b`, `${hash}0`, `${hash}\n`];
      for (const rest of ["~", "~.a", "~abc1234", " .a", ...more]) {
        expect(await log.idsAfter(at(cursors, 0) + rest), rest).toBeUndefined();
        expect(await log.idsBefore(at(cursors, 0) + rest), rest).toBeUndefined();
      }
    });
  });

  describe("a log that is closed", () => {
    it("can still be read, for replays that are in progress", async () => {
      const { log, cursors } = await openWith("abc");
      await log.log.close();
      expect(await log.idsAfter(undefined)).toEqual(["a", "b", "c"]);
      expect(await log.idsAfter(at(cursors, 0))).toEqual(["b", "c"]);
      expect(await log.idsBefore(undefined)).toEqual(["c", "b", "a"]);
      expect(await log.idsBefore(at(cursors, 2))).toEqual(["b", "a"]);
      expect(await log.idsAfter("nonsense")).toBeUndefined();
      expect(log.log.cursor()).toBe(at(cursors, 2));
      expect((await log.log.stats()).messages).toBe(3);
    });

    it("has delivered all earlier appends to its tail, and may be closed again", async () => {
      const log = await opener.open();
      await log.append("a", "b");
      await log.log.close();
      await log.log.close();
      expect(idsOf(log.tailed)).toEqual(["a", "b"]);
    });
  });
}
