import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCursor, parseCursor } from "../../src/log/cursor.ts";

const letters = [..."0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const anyCursor = fc.record({
  shard: fc.nat({ max: 999_999_999 }),
  life: fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 32 }),
  sequence: fc.maxSafeNat(),
});

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
        const same = a.shard === b.shard && a.life === b.life && a.sequence === b.sequence;
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
});
