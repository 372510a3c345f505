import { describe, expect, it } from "vitest";
import type { FieldType } from "../../../../src/realtime/records/collection.ts";
import { isMacro } from "../../../../src/realtime/records/macros.ts";
import { parseName } from "../../../../src/realtime/records/names.ts";
import { guessType, RecordView } from "../../../../src/realtime/records/record-view.ts";
import { positionOf } from "../../../support/filter-errors.ts";

function operandOf(
  name: string,
  record: Record<string, unknown>,
  fields?: Record<string, FieldType>,
) {
  const parsed = parseName(name, 3, isMacro);
  if (parsed.kind !== "field") throw new Error("It is no field.");
  return new RecordView(record, { fields }).operandOf(parsed.field);
}

const valueIn = (...args: Parameters<typeof operandOf>) => operandOf(...args).value;

describe("the view of a record", () => {
  it("guesses types from values, and prefers the declared ones", () => {
    const values = ["a", 1, true, ["a"], [], [1], {}, null];
    const types = ["text", "number", "bool", "select[]", "select[]", "json", "json", "json"];
    expect(values.map(guessType)).toEqual(types);
    const view = new RecordView({ a: "x", b: 1 }, { fields: { a: "json", c: "bool" } });
    expect(["a", "b", "c", "d"].map((name) => view.typeOf(name))).toEqual([
      "json",
      "number",
      "bool",
      undefined,
    ]);
  });

  it("always has an id, and has neither the collection's names nor expand", () => {
    const view = new RecordView({ collectionId: "1", collectionName: "a", expand: {} });
    expect(view.typeOf("id")).toBe("text");
    for (const name of ["collectionId", "collectionName", "expand"]) {
      expect(view.typeOf(name)).toBeUndefined();
    }
    expect(valueIn("id", {})).toMatch(/^0{15}$/);
    expect(valueIn("id", { id: "r1" })).toBe("r1");
  });

  it.each<[FieldType, unknown, unknown]>([
    ["text", 5, "5"],
    ["text", true, "1"],
    ["text", null, null],
    ["number", "5", 5],
    ["number", " 1e1 ", 10],
    ["number", "abc", 0],
    ["number", null, null],
    ["bool", "true", 1],
    ["bool", "1", 1],
    ["bool", "yes", 0],
    ["bool", 1, 1],
    ["bool", 2, 0],
    ["select[]", "a", '["a"]'],
    ["select[]", "", "[]"],
    ["select[]", null, "[]"],
    ["json", { a: 1 }, '{"a":1}'],
    ["json", "a", "a"],
    ["json", false, 0],
    ["geoPoint", { lon: 1, lat: 2 }, '{"lon":1,"lat":2}'],
    ["date", "2026-11-28 00:00:00.000Z", "2026-11-28 00:00:00.000Z"],
  ])("has in a %s field for %j the value %j", (type, value, expected) => {
    expect(valueIn("f", { f: value }, { f: type })).toBe(expected);
  });

  it("has the elements of lists, and null for an empty one", () => {
    expect(operandOf("f:each", { f: ["a", "b"] }).elements).toEqual(["a", "b"]);
    expect(operandOf("f:each", { f: [] }).elements).toEqual([null]);
    expect(operandOf("f.id", { f: ["a"] }, { f: "relation[]" }).elements).toEqual(["a"]);
    expect(operandOf("f:each", { f: "a" }, { f: "select" })).toMatchObject({ value: "a" });
    expect(operandOf("f:each", { f: "a" })).toMatchObject({ value: "a", affinity: "text" });
  });

  it.each<[FieldType, unknown, number]>([
    ["select[]", ["a", "b"], 2],
    ["select[]", [], 0],
    ["file[]", "a", 1],
    ["relation", "a", 1],
    ["relation", "", 0],
    ["select", null, 0],
  ])("has for :length of a %s field with %j the number %i", (type, value, length) => {
    expect(operandOf("f:length", { f: value }, { f: type })).toMatchObject({
      value: length,
      affinity: "none",
    });
  });

  it.each([
    ["d.a", { a: 1 }, 1],
    ["d.a.b", { a: { b: true } }, 1],
    ["d.0", ["x"], "x"],
    ["d.00", ["x"], "x"],
    ["d.1", ["x"], null],
    ["d.0", { 0: "x" }, null],
    ["d.length", ["x"], null],
    ["d.length", "text", null],
    ["d.a", null, null],
    ["d.A", { a: 1 }, null],
    ["d.a", { a: [1, { b: 2 }] }, '[1,{"b":2}]'],
    ["d.a:lower", { a: "X", alower: "key" }, "key"],
    ["d.constructor", {}, null],
    ["d.__proto__.a", {}, null],
  ])("reads %s of the JSON value %j as %j", (name, value, expected) => {
    expect(valueIn(name, { d: value }, { d: "json" })).toBe(expected);
  });

  it("refuses unknown fields, and paths that need a database, at their position", () => {
    const wrong: [name: string, record: Record<string, unknown>][] = [
      ["missing", {}],
      ["constructor", {}],
      ["expand.a", { expand: { a: 1 } }],
      ["rel.name", { rel: "r1" }],
      ["rel.id", { rel: "r1" }],
    ];
    for (const [name, record] of wrong) expect(positionOf(() => operandOf(name, record))).toBe(3);
    expect(positionOf(() => operandOf("rel.id.x", { rel: "a" }, { rel: "relation" }))).toBe(3);
    expect(valueIn("rel.id", { rel: "r1" }, { rel: "relation" })).toBe("r1");
  });
});
