import { describe, expect, it } from "vitest";
import { LikeMatcher } from "../../../../src/realtime/records/like.ts";
import {
  columnOperand,
  numberOperand,
  type Operand,
  parameterOperand,
} from "../../../../src/realtime/records/operand.ts";

function like(left: Operand, right: Operand, spent: number[] = []) {
  const matcher = new LikeMatcher(new Map(), (steps) => spent.push(steps));
  return matcher.matches(left, left.value, right, right.value);
}

const text = (value: string) => columnOperand(value, "text");

describe("the operator ~", () => {
  it.each([
    ["Hello", "ELL", true],
    ["É", "é", false],
    ["a_b", "_", true],
    ["axb", "a_b", false],
    ["axb", "a_b%", true],
    ["100%", "0\\%", true],
    ["100", "0\\%", false],
    // PocketBase escapes only every second one of adjacent special characters.
    ["x_", "__", true],
    ["_x", "__", false],
    ["a\\b", "\\", true],
    ["", "", true],
  ])("of the field %j with the literal %j is %s", (value, literal, expected) => {
    expect(like(text(value), parameterOperand(literal))).toBe(expected);
  });

  it("does not escape the text of a field on its right side", () => {
    expect(like(text("axb"), text("a_b"))).toBe(true);
    expect(like(text("xaxbx"), text("a_b"))).toBe(true);
    expect(like(text("a"), text("a\\"))).toBe(false);
  });

  it("is null beside null", () => {
    expect(like(columnOperand(null), parameterOperand("a"))).toBeNull();
    expect(like(text("a"), columnOperand(null))).toBeNull();
  });

  it("writes numbers without a fraction and an exponent in patterns", () => {
    expect(like(text("1.5"), numberOperand(1.5))).toBe(true);
    expect(like(text("5"), numberOperand(5))).toBe(true);
    expect(like(text("1000000000000000000000"), numberOperand(1e21))).toBe(true);
  });

  it("takes steps by the length of the text and the longest part of the pattern", () => {
    const stepsOf = (value: string, pattern: string) => {
      const spent: number[] = [];
      like(text(value), parameterOperand(pattern), spent);
      return spent.reduce((sum, steps) => sum + steps, 0);
    };
    expect(stepsOf("a".repeat(63), "b")).toBe(0);
    expect(stepsOf("a".repeat(64_000), "b")).toBe(1_000);
    expect(stepsOf("a".repeat(64_000), "%b%c%d%")).toBe(1_000);
    expect(stepsOf("a".repeat(64_000), `${"_".repeat(640)}%`)).toBe(1_000 + 10);
    // A text is compared with a segment with `_` at every place.
    expect(stepsOf("a".repeat(64_000), "%a_b%")).toBe(4_000);
    expect(stepsOf("a".repeat(6_400), `%${"_".repeat(638)}b%`)).toBe(10 + 100 + 63_900);
  });

  it("takes the same steps for every record, whatever was compared before", () => {
    const pattern = parameterOperand(`%${"b".repeat(640)}%`);
    const field = text("c".repeat(640));
    const counts = [1, 2, 3].map(() => {
      const spent: number[] = [];
      const matcher = new LikeMatcher(new Map(), (steps) => spent.push(steps));
      const left = text("a".repeat(640));
      for (const right of [pattern, pattern, field, pattern]) {
        matcher.matches(left, left.value, right, right.value);
      }
      return spent;
    });
    expect(counts[1]).toEqual(counts[0]);
    expect(counts[2]).toEqual(counts[0]);
  });
});
