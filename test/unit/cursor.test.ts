import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCursor, keyMark, parseCursor } from "../../src/realtime/cursor.ts";

const letters = [..."0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const anyMark = fc.string({ unit: "binary" }).map(keyMark);
const anyCursor = fc.record(
  {
    shard: fc.nat({ max: 999_999_999 }),
    life: fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 32 }),
    sequence: fc.maxSafeNat(),
    key: anyMark,
  },
  { requiredKeys: ["shard", "life", "sequence"] },
);

describe("a cursor", () => {
  it("is read back as it was written", () => {
    fc.assert(
      fc.property(anyCursor, (cursor) => {
        expect(parseCursor(formatCursor(cursor))).toEqual(cursor);
      }),
    );
  });

  it("is text that an SSE id and a header can carry", () => {
    fc.assert(
      fc.property(anyCursor, (cursor) => {
        expect(formatCursor(cursor)).toMatch(/^[!-~]{1,100}$/);
        expect(formatCursor(cursor)).not.toContain(".");
      }),
    );
  });

  it("is another for every place", () => {
    fc.assert(
      fc.property(anyCursor, anyCursor, (a, b) => {
        const same =
          a.shard === b.shard && a.life === b.life && a.sequence === b.sequence && a.key === b.key;
        expect(formatCursor(a) === formatCursor(b)).toBe(same);
      }),
    );
  });

  it("may have a suffix after a dot, which is not read", () => {
    fc.assert(
      fc.property(anyCursor, fc.string(), (cursor, suffix) => {
        expect(parseCursor(`${formatCursor(cursor)}.${suffix}`)).toEqual(cursor);
      }),
    );
  });

  it("is not read from any other text", () => {
    const texts = [
      "",
      "0",
      "0-",
      "0-abc",
      "0-abc-",
      "-abc-1",
      "0--1",
      "a-abc-1",
      "0-abc-1-2",
      "0-abc-1x",
      "0-abc--1",
      "0-abc-1 ",
      " 0-abc-1",
      "0-abc-1\n",
      "0-a_c-1",
      "0-äbc-1",
      "0-abc-1,5",
      "0-abc-9007199254740992",
      "0-abc-99999999999999999",
      "1234567890-abc-1",
      `0-${"a".repeat(33)}-1`,
      "0-V1StGXR8_Z5jdHi6B-myT",
      "\0",
      "0-abc-١",
      "0-abc-1~",
      "0-abc-1~.a",
      "0-abc-1~A",
      "0-abc-1~a-b",
      "0-abc-1~a b",
      "0-abc-1~a~b",
      "0-abc-1~12345678",
      "0-abc-1 ~a",
      "0-abc-1~a\n",
      "0-abc~a",
      "~a",
    ];
    for (const text of texts) expect(parseCursor(text), JSON.stringify(text)).toBeUndefined();
  });

  it("is not read from random text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        fc.pre(!/^\d+-\w+-\d+/.test(text));
        expect(parseCursor(text)).toBeUndefined();
      }),
    );
  });

  it("without a key has none, and one with a key is another place", () => {
    const place = { shard: 3, life: "abc", sequence: 7 };
    expect(formatCursor(place)).toBe("3-abc-7");
    expect(formatCursor({ ...place, key: undefined })).toBe("3-abc-7");
    expect(formatCursor({ ...place, key: "1z" })).toBe("3-abc-7~1z");
    expect(Object.keys(parseCursor("3-abc-7") ?? {})).toEqual(["shard", "life", "sequence"]);
    expect(parseCursor("3-abc-7~1z")).toEqual({ ...place, key: "1z" });
    expect(parseCursor("3-abc-7~1z.~2.x")).toEqual({ ...place, key: "1z" });
    expect(parseCursor("3-abc-7.~1z")).toEqual(place);
  });
});

describe("the mark of a key", () => {
  // The published test vectors of FNV-1a, 32 bits (draft-eastlake-fnv, section on test vectors).
  const vectors: [key: string, hash: number][] = [
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["b", 0xe70c2de5],
    ["foo", 0xa9f37ed7],
    ["foobar", 0xbf9cf968],
  ];
  for (const [key, hash] of vectors) {
    it(`of ${JSON.stringify(key)} is its FNV-1a hash`, () => {
      expect(keyMark(key)).toBe(hash.toString(36).padStart(7, "0"));
    });
  }

  it("is a few letters and digits that a cursor can carry, whatever the key", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 3000 }), (key) => {
        const mark = keyMark(key);
        expect(mark).toMatch(/^[0-9a-z]{1,7}$/);
        expect(keyMark(key)).toBe(mark);
      }),
    );
  });

  it("tells keys apart that only look alike", () => {
    const topics = ["a", "a/*", "a/b", "b/a", "*", "A", "a ", "ä", "a\u0308", "🦊", "\ud83e"];
    const keys = topics.flatMap((topic) => [
      topic,
      `${topic}?options={}`,
      `${topic}?options={"query":{"last":5}}`,
    ]);
    const rooms = Array.from({ length: 1000 }, (_, index) => `rooms/${index}/*`);
    expect(new Set([...keys, ...rooms].map(keyMark)).size).toBe(keys.length + rooms.length);
  });
});
