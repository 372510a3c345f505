import { describe, expect, it } from "vitest";
import { Scanner, type Token } from "../../../../src/realtime/records/tokens.ts";
import { positionOf } from "../../../support/filter-errors.ts";

/** All tokens of a filter, without the end. */
function tokensOf(text: string): Token[] {
  const scanner = new Scanner(text, 0, text.length);
  const tokens: Token[] = [];
  for (let token = scanner.next(); token.kind !== "end"; token = scanner.next()) tokens.push(token);
  return tokens;
}

describe("a scanner", () => {
  it("finds names, operators, texts, numbers and joins with their positions", () => {
    expect(tokensOf("a.b:each ?!~ 'x' &&\n-1.5>=@now")).toEqual([
      { kind: "name", text: "a.b:each", position: 0 },
      { kind: "operator", text: "?!~", position: 9 },
      { kind: "text", text: "x", position: 13 },
      { kind: "join", text: "&&", position: 17 },
      { kind: "number", value: -1.5, position: 20 },
      { kind: "operator", text: ">=", position: 24 },
      { kind: "name", text: "@now", position: 26 },
    ]);
  });

  it("gives the range between the brackets of groups and calls", () => {
    expect(tokensOf("(a) f('(', 2)")).toEqual([
      { kind: "group", start: 1, end: 2, position: 0 },
      { kind: "call", text: "f", start: 6, end: 12, position: 4 },
    ]);
  });

  it("skips comments, and space, tab and line feed, but no other white space", () => {
    expect(tokensOf(" \t\n// a && b\n//\nc // d")).toEqual([
      { kind: "name", text: "c", position: 16 },
    ]);
    for (const space of ["\r", "\u00a0", "\u2028", "\0", "\ufeff"]) {
      expect(
        positionOf(() => tokensOf(`a${space}`)),
        JSON.stringify(space),
      ).toBe(1);
    }
  });

  it.each<[string, string]>([
    [`'a"b'`, 'a"b'],
    [`'te\\'st'`, "te'st"],
    [`'a\\nb\\\\c'`, "a\\nb\\\\c"],
    [`"a\\nb"`, "a\nb"],
    [`"a\\"b\\\\"`, 'a"b\\'],
    [`"a\\%b\\cd"`, "a\\%b\\cd"],
    [`""`, ""],
    [`"\\\\n"`, "\\n"],
  ])("decodes the text %s", (source, text) => {
    expect(tokensOf(source)).toEqual([{ kind: "text", text, position: 0 }]);
  });

  it.each([
    ["a == 1", 2],
    ["a <> 1", 2],
    ["a =! 1", 2],
    ["a ? 1", 2],
    ["a ??= 1", 2],
    ["a & b", 2],
    ["a &&& b", 2],
    ["a &| b", 2],
    ["a = .5", 4],
    ["a = 5.", 4],
    ["a = 1.2.3", 4],
    ["a = +1", 4],
    ["a = - 1", 4],
    ["a. = 1", 0],
    ["a: = 1", 0],
    ["@ = 1", 0],
    ["# = 1", 0],
    ["a = 'b", 4],
    ["a = 'b\\'", 4],
    ['a = "b\\"', 4],
    ["(a = 1", 0],
    ["f(a", 1],
    ["(')'", 0],
    ["a = 1)", 5],
    ["a = ö", 4],
    ["a = \ud83d", 4],
  ])("refuses %j at position %i", (text, position) => {
    expect(positionOf(() => tokensOf(text))).toBe(position);
  });

  it.each([
    ["-.5", -0.5],
    ["007", 7],
    ["1.50", 1.5],
    ["-0", -0],
  ])("accepts the number %s", (text, value) => {
    expect(tokensOf(text)).toEqual([{ kind: "number", value, position: 0 }]);
  });

  it("stops at the end of its part", () => {
    const scanner = new Scanner("abc // d", 1, 2);
    expect(scanner.next()).toEqual({ kind: "name", text: "b", position: 1 });
    expect(scanner.next()).toEqual({ kind: "end", position: 2 });
    expect(scanner.next()).toEqual({ kind: "end", position: 2 });
  });
});
