import { describe, expect, it } from "vitest";
import { type FilterNode, parseFilter } from "../../../../src/realtime/records/parse-filter.ts";
import { invalidFilter, positionOf } from "../../../support/filter-errors.ts";

/** Writes a node with all brackets. */
function print(node: FilterNode): string {
  if (node.kind !== "comparison") return `(${node.parts.map(print).join(` ${node.kind} `)})`;
  const { left, right } = node;
  if (left.kind !== "name" || right.kind !== "number") throw new Error("another comparison");
  return `${left.text}${node.isAny ? "?" : ""}${node.operator}${right.value}`;
}

const comparisons = (count: number) => Array.from({ length: count }, () => "a=1").join("&&");

describe("a parsed filter", () => {
  it.each([
    ["a=1", "a=1"],
    ["a=1||b=2&&c=3", "(a=1 || (b=2 && c=3))"],
    ["a=1&&b=2||c=3&&d=4", "((a=1 && b=2) || (c=3 && d=4))"],
    ["(a=1||b=2)&&c?!~3", "((a=1 || b=2) && c?!~3)"],
    ["((a=1))", "a=1"],
    ["a=1&&(b=2&&(c=3||d=4))", "(a=1 && (b=2 && (c=3 || d=4)))"],
  ])("of %s is %s: && binds more strongly than ||", (text, printed) => {
    expect(print(parseFilter(text))).toBe(printed);
  });

  it.each([
    ["", 0],
    ["  // a", 6],
    ["()", 1],
    ["(  )", 3],
    ["a=1 && ", 7],
    ["&& a=1", 0],
    ["a=1 b=2", 4],
    ["a=1 (b=2)", 4],
    ["(a=1)(b=2)", 5],
    ["a (b=1)", 2],
    ["a", 1],
    ["a=", 2],
    ["=1", 0],
    ["a=(b=1)", 2],
    ["a=,", 2],
    ["a=1,b=2", 3],
    ["f(a b)=1", 4],
    ["f(,)=1", 2],
    ["f((a))=1", 2],
    ["f(a=1)=1", 3],
    ["(a=1 && (b=2 || c))", 17],
  ])("of %j is an error at position %i", (text, position) => {
    expect(positionOf(() => parseFilter(text))).toBe(position);
  });

  it("has the position in its message", () => {
    expect(invalidFilter(() => parseFilter("a=1 b=2")).message).toBe(
      "Invalid filter at position 4: Expected && or ||.",
    );
  });

  it("has calls with one comma at their end, in calls up to three deep", () => {
    const nested = (depth: number) => `${"f(".repeat(depth)}1,${")".repeat(depth)}=1`;
    expect(parseFilter(nested(3))).toMatchObject({ left: { kind: "call", position: 0 } });
    expect(positionOf(() => parseFilter(nested(4)))).toBe(6);
    expect(parseFilter("f()=1")).toMatchObject({ left: { kind: "call", args: [] } });
    expect(positionOf(() => parseFilter("f(1,,)=1"))).toBe(4);
  });

  it("has at most 200 comparisons", () => {
    expect(parseFilter(comparisons(200))).toMatchObject({ kind: "&&" });
    expect(positionOf(() => parseFilter(comparisons(201)))).toBe(200 * "a=1&&".length);
    const grouped = `(${comparisons(100)})||(${comparisons(101)})`;
    expect(invalidFilter(() => parseFilter(grouped)).message).toContain("200 comparisons");
  });

  it("has at most 200 brackets open at one position", () => {
    const nested = (depth: number) => `${"(".repeat(depth)}a=1${")".repeat(depth)}`;
    expect(parseFilter(nested(200))).toMatchObject({ kind: "comparison" });
    expect(positionOf(() => parseFilter(nested(201)))).toBe(200);
    expect(positionOf(() => parseFilter(nested(4_998)))).toBe(200);
    const beside = Array.from({ length: 200 }, () => nested(10)).join("||");
    expect(parseFilter(beside)).toMatchObject({ kind: "||" });
  });

  it("is refused if it is a run of opening or closing brackets", () => {
    for (const count of [200, 201, 2_500, 10_000]) {
      expect(positionOf(() => parseFilter("(".repeat(count)))).toBe(0);
      expect(positionOf(() => parseFilter(")".repeat(count)))).toBe(0);
      expect(positionOf(() => parseFilter(`a=f${"(".repeat(count - 3)}`))).toBe(3);
    }
  });

  it("has at most 10,000 characters", () => {
    const text = (length: number) => `a='${"x".repeat(length - 4)}'`;
    expect(parseFilter(text(10_000))).toMatchObject({ kind: "comparison" });
    expect(positionOf(() => parseFilter(text(10_001)))).toBe(10_000);
  });
});
