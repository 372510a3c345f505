import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCursor, hashKey, parseCursor } from "../../../src/realtime/cursor.ts";

const KEY_HASH = "0123456789abcdef0123456789abcdef";
const letters = [..."0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const anyMark = fc.string({ unit: "binary" }).map(hashKey);
const anyCursor = fc.record(
  {
    shard: fc.nat({ max: 999_999_999 }),
    epoch: fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 32 }),
    sequence: fc.maxSafeNat(),
    keyHash: anyMark,
  },
  { requiredKeys: ["shard", "epoch", "sequence"] },
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

  it("is different for every position", () => {
    fc.assert(
      fc.property(anyCursor, anyCursor, (a, b) => {
        const same =
          a.shard === b.shard &&
          a.epoch === b.epoch &&
          a.sequence === b.sequence &&
          a.keyHash === b.keyHash;
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
      `0-abc-1~${KEY_HASH.toUpperCase()}`,
      `0-abc-1~${KEY_HASH}-b`,
      `0-abc-1~${KEY_HASH} b`,
      `0-abc-1~${KEY_HASH}~${KEY_HASH}`,
      // The 32-bit key hashes of an earlier version, which are not unique.
      "0-abc-1~abc1234",
      `0-abc-1~${KEY_HASH}0`,
      `0-abc-1~${KEY_HASH.slice(1)}`,
      `0-abc-1 ~${KEY_HASH}`,
      `0-abc-1~${KEY_HASH}\n`,
      `0-abc~${KEY_HASH}`,
      `~${KEY_HASH}`,
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

  it("may have a key hash, which makes it another position", () => {
    const position = { shard: 3, epoch: "abc", sequence: 7 };
    expect(formatCursor(position)).toBe("3-abc-7");
    expect(formatCursor({ ...position, keyHash: undefined })).toBe("3-abc-7");
    expect(formatCursor({ ...position, keyHash: KEY_HASH })).toBe(`3-abc-7~${KEY_HASH}`);
    expect(Object.keys(parseCursor("3-abc-7") ?? {})).toEqual(["shard", "epoch", "sequence"]);
    expect(parseCursor(`3-abc-7~${KEY_HASH}`)).toEqual({ ...position, keyHash: KEY_HASH });
    expect(parseCursor(`3-abc-7~${KEY_HASH}.~2.x`)).toEqual({ ...position, keyHash: KEY_HASH });
    expect(parseCursor(`3-abc-7.~${KEY_HASH}`)).toEqual(position);
  });
});

describe("the hash of a key", () => {
  it("is the first half of the SHA-256 of its UTF-16 code units", () => {
    const any = fc.string({ unit: "binary", maxLength: 300 });
    fc.assert(
      fc.property(fc.oneof(any, fc.constantFrom("", "x".repeat(27), "x".repeat(28))), (key) => {
        const bytes = Buffer.from(key, "utf16le").swap16();
        expect(hashKey(key)).toBe(createHash("sha256").update(bytes).digest("hex").slice(0, 32));
      }),
    );
  });

  it("is 32 letters and digits that a cursor can carry, whatever the key", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 3000 }), (key) => {
        const hash = hashKey(key);
        expect(hash).toMatch(/^[0-9a-f]{32}$/);
        expect(hashKey(key)).toBe(hash);
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
    expect(new Set([...keys, ...rooms].map(hashKey)).size).toBe(keys.length + rooms.length);
  });
});
