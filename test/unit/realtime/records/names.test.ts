import { describe, expect, it } from "vitest";
import { isMacro } from "../../../../src/realtime/records/macros.ts";
import { parseName } from "../../../../src/realtime/records/names.ts";
import { invalidFilter } from "../../../support/filter-errors.ts";

const parse = (text: string) => parseName(text, 7, isMacro);

describe("a name in a filter", () => {
  it.each([
    ["title", ["title"], undefined],
    ["tags:each", ["tags"], "each"],
    ["tags:length", ["tags"], "length"],
    ["title:lower", ["title"], "lower"],
    ["title:isset", ["title"], "isset"],
    ["title:changed", ["title"], "changed"],
    ["data.a.0.b", ["data", "a", "0", "b"], undefined],
    ["members.id:each", ["members", "id"], "each"],
    ["_x9", ["_x9"], undefined],
    ["__proto__", ["__proto__"], undefined],
    ["constructor.name", ["constructor", "name"], undefined],
  ])("%s is a field", (text, path, modifier) => {
    expect(parse(text)).toMatchObject({
      kind: "field",
      field: { text, position: 7, path, modifier },
    });
  });

  it("of a JSON field may have any modifier as a part of its key", () => {
    expect(parse("data.arr:length")).toMatchObject({
      field: { path: ["data", "arr"], lastWithModifier: "arrlength" },
    });
    expect(parse("data.arr:a:b")).toMatchObject({
      field: { path: ["data", "arr"], modifier: undefined, lastWithModifier: "arrab" },
    });
  });

  it("may stand for a value of the request, a constant or a macro", () => {
    expect(parse("@request.auth.role:lower")).toMatchObject({
      kind: "request",
      source: "auth",
      field: { path: ["role"], modifier: "lower" },
    });
    expect(parse("@request.query.a:isset")).toMatchObject({ kind: "request", source: "query" });
    expect(parse("@request.context")).toEqual({ kind: "constant", value: "realtime" });
    expect(parse("@request.method")).toEqual({ kind: "constant", value: "GET" });
    expect(parse("@todayStart")).toEqual({ kind: "macro", name: "@todayStart" });
  });

  it.each([
    "title:unknown",
    "title:lower:each",
    "title:",
    "title:hasOwnProperty",
    "a..b",
    "a.:lower",
    "#x",
    "@Now",
    "@now:lower",
    "@request",
    "@request.auth",
    "@request.auth.",
    "@request.user.id",
    "@request.__proto__.a",
    "@request.query.a:each",
    "@request.headers.a:length",
    "@request.context:lower",
    "@collection.users.id",
    "@constructor",
  ])("is refused if it is %s", (text) => {
    const error = invalidFilter(() => parse(text));
    expect(error.position).toBe(7);
    expect(error.message).toMatch(/^Invalid filter at position 7: .+\.$/);
  });

  it("of another collection is refused because that needs a database", () => {
    expect(invalidFilter(() => parse("@collection.users.id")).message).toContain("no database");
  });

  it("may have a path of 500 parts", () => {
    const text = Array.from({ length: 500 }, (_, index) => `p${index}`).join(".");
    expect(parse(text)).toMatchObject({ kind: "field", field: { path: text.split(".") } });
  });
});
