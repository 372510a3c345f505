import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RealtimeError } from "../../../../src/realtime/errors.ts";
import { pickFields } from "../../../../src/realtime/records/pick-fields.ts";

interface FieldsCase {
  readonly record: unknown;
  readonly fields: string;
  /** What is picked, or "error" if the fields are refused. */
  readonly expect: unknown;
}

/** Read from PocketBase: tools/picker and its tests. */
const cases: readonly FieldsCase[] = JSON.parse(
  readFileSync(new URL("../../../cases/records/fields.json", import.meta.url), "utf8"),
);

/** The error of a fields option that is refused. */
function refusal(text: string): RealtimeError {
  try {
    pickFields(text);
  } catch (error) {
    if (error instanceof RealtimeError) return error;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

/** Freezes a JSON value, so that a change throws. */
function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

describe("the cases of PocketBase", () => {
  it("are all there", () => expect(cases).toHaveLength(36));

  it.each(cases)("$fields of $record", ({ record, fields, expect: expected }) => {
    if (expected === "error") expect(refusal(fields).code).toBe("invalid_fields");
    else expect(pickFields(fields)(frozen(record))).toStrictEqual(expected);
  });
});

describe("paths", () => {
  const nested = frozen({
    rows: [
      { cells: [{ a: 1, b: 2 }, { b: 3 }, "text", null], note: "x" },
      { cells: ["text", { a: 1, b: 2 }] },
      { cells: [] },
      { cells: [[{ a: 1 }]] },
      null,
    ],
  });

  it("are applied to each object of nested arrays whose first element is an object", () => {
    expect(pickFields("rows.cells.a")(nested)).toStrictEqual({
      rows: [
        { cells: [{ a: 1 }, {}, "text", null] },
        { cells: ["text", { a: 1, b: 2 }] },
        { cells: [] },
        { cells: [[{ a: 1 }]] },
        null,
      ],
    });
  });

  it("with * in the middle are keys and not wildcards", () => {
    expect(pickFields("*.a")({ x: { a: 1 }, "*": { a: 1, b: 2 } })).toStrictEqual({
      "*": { a: 1 },
    });
  });

  it("give * the keys of each element that no other path begins with", () => {
    const list = [
      { a: 1, b: { c: 1, d: 2 } },
      { b: { d: 3 }, e: 4 },
    ];
    expect(pickFields("*,b.c")(list)).toStrictEqual([
      { a: 1, b: { c: 1 } },
      { b: {}, e: 4 },
    ]);
  });

  it("win over longer paths wherever they are in the list", () => {
    const record = { a: { b: { c: 1 }, d: 2 } };
    expect(pickFields("a.b.c,a.b,a.b.x")(record)).toStrictEqual({ a: { b: { c: 1 } } });
  });

  it("find a key with a dot in it", () => {
    const record = { "a.b": { c: 1, d: 2 }, a: { b: { c: 3 } }, "a.": 1, ".": 2 };
    expect(pickFields("a.b.c")(record)).toStrictEqual({ "a.b": { c: 1 }, a: { b: { c: 3 } } });
  });

  it("end at a last dot", () => {
    expect(pickFields("a.,*.")({ a: { b: 1 }, c: 1, "*": 2 })).toStrictEqual({
      a: { b: 1 },
      "*": 2,
    });
  });

  it.each([
    ["'a,b'", { "'a,b'": 1, a: 2, b: 3 }, { "'a,b'": 1 }],
    ["a(b,c),d", { "a(b,c)": 1, b: 2, d: 3 }, { "a(b,c)": 1, d: 3 }],
    ["a\\(,b", { "a\\(": 1, b: 2, c: 3 }, { "a\\(": 1, b: 2 }],
    ["`a',\"`,b", { "`a',\"`": 1, b: 2, c: 3 }, { "`a',\"`": 1, b: 2 }],
    [" \u00a0a\t,\n b \u3000", { a: 1, b: 2, c: 3 }, { a: 1, b: 2 }],
    ["a),b", { "a)": 1, b: 2, c: 3 }, { "a)": 1, b: 2 }],
  ])("are split outside brackets and quotes, and trimmed: %j", (fields, record, expected) => {
    expect(pickFields(fields)(record)).toStrictEqual(expected);
  });
});

describe("names of a prototype", () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];

  it.each(names)("%s is not picked from an object that does not have it", (name) => {
    const picked = pickFields(`${name},${name}.polluted,a`)({ a: 1, b: 2 });
    expect(picked).toStrictEqual({ a: 1 });
  });

  it.each(names)("%s is picked from an object that has it, and sets no prototype", (name) => {
    const record = JSON.parse(`{"${name}": {"polluted": 1, "x": 2}, "b": 1}`);
    const picked = pickFields(`${name}.polluted`)(record);
    expect(JSON.stringify(picked)).toBe(`{"${name}":{"polluted":1}}`);
    expect(Object.getPrototypeOf(picked)).toBe(Object.prototype);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe(":excerpt", () => {
  it("is applied by * to the keys without a path of their own", () => {
    const record = {
      id: "123",
      title: "lorem",
      n: 12345,
      rel: { title: "<p>rel_title</p>", x: 1 },
    };
    expect(pickFields("*:excerpt(2),rel.title:excerpt(3, true)")(record)).toStrictEqual({
      ...{ id: "12", title: "lo", n: 12345 },
      rel: { title: "rel..." },
    });
  });

  it("is applied to each element of an array", () => {
    const record = { list: [{ t: "<b>one</b>" }, { t: 2 }, { t: null }, {}] };
    expect(pickFields("list.t:excerpt(2)")(record)).toStrictEqual({
      list: [{ t: "on" }, { t: 2 }, { t: null }, {}],
    });
  });

  it.each([
    ["a:excerpt(3,1)", "abc..."],
    ["a:excerpt(3,TRUE)", "abc..."],
    ["a:excerpt(3 true)", "abc..."],
    ["a:excerpt 3 t", "abc..."],
    ["a: excerpt( 3 , t ,)", "abc..."],
    ["a:excerpt(3,yes)", "abc"],
    ["a:excerpt(3,tRUE)", "abc"],
    ["a:excerpt(3,'true')", "abc"],
    ["a,a:excerpt(3)", "abc"],
    ["a:excerpt(3),a", "abcdef"],
    ["a:excerpt(1000000)", "abcdef"],
  ])("%s", (fields, expected) => {
    expect(pickFields(fields)({ a: "abcdef" })).toStrictEqual({ a: expected });
  });
});

describe("the picking function", () => {
  it("returns a value as it is if there is nothing to pick from", () => {
    for (const value of [null, undefined, 1, "text", true, [], [1, { b: 1 }], [[{ b: 1 }]]]) {
      expect(pickFields("a")(value)).toBe(value);
    }
  });

  it.each(["*", "a,b", "a.x,b", "*,a.x", "a,b:excerpt(9)"])(
    "returns the record itself if %s keeps everything",
    (fields) => {
      const record = { a: { x: 1 }, b: "text" };
      expect(pickFields(fields)(record)).toBe(record);
    },
  );

  it("copies only what changes", () => {
    const record = { same: { a: 1 }, list: [{ a: 1 }, { a: 1, b: 2 }], other: 1 };
    const picked = pickFields("same.a,list.a")(record) as typeof record; // The paths keep the shape.
    expect(picked.same).toBe(record.same);
    expect(picked.list[0]).toBe(record.list[0]);
    expect(picked.list[1]).toStrictEqual({ a: 1 });
  });

  it("reads each value of a large record once, whatever the number of paths", () => {
    let reads = 0;
    const record = Object.defineProperties(
      {},
      counted(1000, () => reads++),
    );
    const paths = Array.from({ length: 199 }, (_, index) => `k${index}.x`);
    pickFields(`*,${paths.join(",")}`)(record);
    expect(reads).toBe(1000);
  });

  it("follows a key of many dots only as far as the paths reach", () => {
    const key = "a.".repeat(500_000);
    expect(pickFields("a.a")({ [key]: 1, [".".repeat(1_000_000)]: 2 })).toStrictEqual({});
  });

  it("never throws and never changes a JSON value, whatever the fields", () => {
    const name = fc.constantFrom(
      "a",
      "b",
      "*",
      "a.b",
      "b.*",
      "__proto__",
      "b:excerpt(2)",
      "",
      "a.",
    );
    const fields = fc.array(name, { maxLength: 5 }).map((names) => names.join(","));
    const key = fc.constantFrom("a", "b", "*", "a.b", "__proto__", "");
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom(null, 1, "<p>abc</p>"),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((e) => Object.fromEntries(e)),
      ),
    }));
    fc.assert(
      fc.property(fields, value, (text, json) => {
        const before = JSON.stringify(json);
        const picked = pickFields(text)(frozen(json));
        expect(JSON.stringify(json)).toBe(before);
        expect(pickFields(text)(picked)).toStrictEqual(picked);
      }),
    );
  });
});

describe("fields that are refused", () => {
  it.each([
    ["a,b:excerpt(5", 11],
    ["a,'b", 2],
    ["a,\"b'", 2],
    ["a:", 1],
    ["a, b:()", 4],
    ["a:upper(3)", 2],
    ["a:Excerpt(3)", 2],
    ["a:excerpt", 2],
    ["a:excerpt(,)", 2],
    ["a:excerpt(0)", 10],
    ["a:excerpt(-1)", 10],
    ["a:excerpt(1.5)", 10],
    ["a:excerpt(0x10)", 10],
    ["a:excerpt('3')", 10],
    ["a:excerpt(1000001)", 10],
    [`a:excerpt(${"9".repeat(400)})`, 10],
    ["b,a:excerpt(1, t, x)", 18],
    ["a:b:excerpt(1)", 2],
    ["a,b\0c", 3],
    [`a,${"b.".repeat(20)}b`, 2],
    [`${"a,".repeat(200)}b`, 400],
    ["a".repeat(2501), 2500],
  ])("%j: position %i", (fields, position) => {
    expect(refusal(fields)).toMatchObject({ code: "invalid_fields", position });
  });

  it("have an error that says what is wrong, where, and what to do", () => {
    expect(refusal("a,b:upper()").message).toBe(
      "The fields option has an unknown modifier at position 4. Use :excerpt(max) or :excerpt(max, true).",
    );
    expect(refusal("a:excerpt(x)").message).toBe(
      "The fields option has a wrong number in :excerpt at position 10. Write a whole number from 1 to 1000000, as in :excerpt(100).",
    );
  });

  it("begin just beyond the limits", () => {
    const deep = `${"b.".repeat(19)}b`;
    expect(pickFields(deep)({ b: 1, c: 2 })).toStrictEqual({ b: 1 });
    expect(pickFields(`${"a,".repeat(199)}b`)({ a: 1, b: 2, c: 3 })).toStrictEqual({ a: 1, b: 2 });
    expect(pickFields("a".repeat(2500))({ a: 1 })).toStrictEqual({});
  });
});

/** Properties `k0`, `k1`, … that report each read. */
function counted(length: number, onRead: () => void): PropertyDescriptorMap {
  const entries = Array.from({ length }, (_, index) => [
    `k${index}`,
    { enumerable: true, get: () => onRead() },
  ]);
  return Object.fromEntries(entries);
}
