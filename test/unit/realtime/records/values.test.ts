import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compareTexts,
  jsonText,
  lowerASCII,
  numberFrom,
  textOfNumber,
  valueOfJSON,
} from "../../../../src/realtime/records/values.ts";

const utf8 = new TextEncoder();

function compareBytes(a: string, b: string): number {
  const [left, right] = [utf8.encode(a), utf8.encode(b)];
  for (let index = 0; ; index++) {
    const [x, y] = [left[index], right[index]];
    if (x === y && x !== undefined) continue;
    return (x ?? -1) - (y ?? -1);
  }
}

describe("a number as text", () => {
  // Answered by SQLite 3.54: SELECT CAST(CAST(? AS REAL) AS TEXT)
  it.each([
    [0, "0.0"],
    [-0, "0.0"],
    [1, "1.0"],
    [-2, "-2.0"],
    [0.1, "0.1"],
    [4.35, "4.35"],
    [123456.789, "123456.789"],
    [1 / 3, "0.33333333333333332"],
    [-2 / 3, "-0.66666666666666663"],
    [0.30000000000000004, "0.30000000000000004"],
    [0.0001, "0.0001"],
    [1e-5, "1.0e-05"],
    [1e-7, "1.0e-07"],
    [58560774.168778, "58560774.168778002"],
    [9987.77742585842, "9987.7774258584195"],
    [1e15, "1000000000000000.0"],
    [1e16, "10000000000000000.0"],
    [1e17, "1.0e+17"],
    [123456789012345680, "1.2345678901234568e+17"],
    [1e21, "1.0e+21"],
    [9.999999999999999e22, "1.0e+23"],
    [2 ** 63, "9.2233720368547758e+18"],
    [Number.MAX_VALUE, "1.7976931348623157e+308"],
    [Number.POSITIVE_INFINITY, "Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
  ])("for the real %d is %s, as in SQLite", (value, text) => {
    expect(textOfNumber(value, true)).toBe(text);
  });

  it.each([
    [0, "0"],
    [5, "5"],
    [-12, "-12"],
    [2 ** 53, "9007199254740992"],
    [1e18, "1000000000000000000"],
    [2 ** 63, "9.2233720368547758e+18"],
    [1e21, "1.0e+21"],
    [1.5, "1.5"],
  ])("for %d is %s if it is an integer up to 63 bits", (value, text) => {
    expect(textOfNumber(value, false)).toBe(text);
  });

  it("is read back as the same number", () => {
    const anyNumber = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(anyNumber, (value) => {
        // The text of -0 has no sign.
        expect(Number(textOfNumber(value, true))).toBeCloseTo(value === 0 ? 0 : value, 300);
      }),
    );
  });
});

describe("a text as a number", () => {
  it.each([
    ["1", 1],
    [" \t\n\v\f\r-1.5 ", -1.5],
    ["+5", 5],
    [".5", 0.5],
    ["5.", 5],
    ["1e3", 1000],
    ["1E-2", 0.01],
    ["007", 7],
    ["1e999", Number.POSITIVE_INFINITY],
  ])("%j is %d", (text, number) => expect(numberFrom(text)).toBe(number));

  it.each([
    "",
    " ",
    ".",
    "e1",
    "1e",
    "1e+",
    "0x1",
    "1 2",
    "1_0",
    "\u00a05",
    "5\u2028",
    "--1",
    "NaN",
    "Infinity",
    "١",
  ])("%j is none", (text) => expect(numberFrom(text)).toBeUndefined());
});

describe("the order of texts", () => {
  it("is the order of their UTF-8 bytes", () => {
    const anyText = fc.string({
      unit: fc.constantFrom("a", "b", "é", "\uffee", "😀", "😁", "\ud7ff"),
    });
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        expect(Math.sign(compareTexts(a, b))).toBe(Math.sign(compareBytes(a, b)));
      }),
      { numRuns: 1000 },
    );
    expect(compareTexts("\uffee", "😀")).toBeLessThan(0);
    expect(compareTexts("a", "a")).toBe(0);
  });
});

describe("values of JSON", () => {
  it("are texts and numbers; true is 1, and lists and objects are their JSON text", () => {
    const all = [null, undefined, true, false, "a", 1.5, [], { a: [1] }];
    expect(all.map(valueOfJSON)).toEqual([null, null, 1, 0, "a", 1.5, "[]", '{"a":[1]}']);
  });

  it("have the escapes of Go's JSON in their text", () => {
    expect(jsonText(["<a>&", "\u2028\u2029", "é"])).toBe(
      '["\\u003ca\\u003e\\u0026","\\u2028\\u2029","é"]',
    );
  });

  it("are lowered in their ASCII letters only", () => {
    expect(lowerASCII("AZ\u00c9\u212a\u0130z")).toBe("az\u00c9\u212a\u0130z");
  });
});
