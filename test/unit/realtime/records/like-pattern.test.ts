import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LikePattern } from "../../../../src/realtime/records/like-pattern.ts";

/** LIKE by its definition: tries every length for each `%`. Undefined for a pattern that ends within an escape. */
function naiveLike(pattern: readonly string[], text: readonly string[]): boolean | undefined {
  const [first, ...rest] = pattern;
  if (first === undefined) return text.length === 0;
  if (first === "%") {
    const ends = Array.from({ length: text.length + 1 }, (_, start) =>
      naiveLike(rest, text.slice(start)),
    );
    return ends.includes(undefined) ? undefined : ends.includes(true);
  }
  if (first === "\\") {
    const [escaped, ...others] = rest;
    if (escaped === undefined) return undefined;
    const after = naiveLike(others, text.slice(1));
    return after === undefined ? undefined : escaped === text[0] && after;
  }
  const after = naiveLike(rest, text.slice(1));
  if (after === undefined) return undefined;
  return text.length > 0 && (first === "_" || first === text[0]) && after;
}

const matches = (pattern: string, text: string) => LikePattern.parse(pattern)?.matches(text);

describe("a pattern of LIKE", () => {
  it("matches what its definition says", () => {
    const anyText = fc.array(fc.constantFrom("a", "b", "é", "😀", "%", "_", "\\", "\n", "."), {
      maxLength: 8,
    });
    const anyPattern = fc.array(fc.constantFrom("a", "b", "%", "%", "_", "\\", "😀", "."), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(anyPattern, anyText, (pattern, text) => {
        const found = matches(pattern.join(""), text.join(""));
        // With an escape at the end there is no pattern, even if an earlier character differs already.
        expect(found).toBe(endsInEscape(pattern) ? undefined : naiveLike(pattern, text));
      }),
      { numRuns: 5000 },
    );
  });

  it("has no special characters but %, _ and the backslash", () => {
    const special = "^$.*+?()[]{}|/-";
    expect(matches(special, special)).toBe(true);
    for (const character of special) {
      expect(matches(`_${character}_`, `a${character}b`)).toBe(true);
      expect(matches(`_${character}_`, "aab")).toBe(false);
    }
  });

  it.each([
    ["%", "", true],
    ["%%%", "", true],
    ["", "", true],
    ["", "a", false],
    ["_", "😀", true],
    ["__", "😀", false],
    ["%_", "😀", true],
    ["_%", "😀a", true],
    ["%_a", "😀a", true],
    ["%__a", "😀a", false],
    ["a%a", "a", false],
    ["a%a", "aa", true],
    ["_%_", "a", false],
    ["%a_", "a\nb\na\n", true],
    ["%ab%ab%", "abab", true],
    ["%ab%ab%", "abb", false],
  ])("%j matches %j: %s", (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  it("may have very many % and _", () => {
    expect(matches("%".repeat(262_144), "abc")).toBe(true);
    expect(matches("%a".repeat(1_000), "a".repeat(1_000))).toBe(true);
    expect(matches("%a".repeat(1_000), "a".repeat(999))).toBe(false);
    expect(matches("_".repeat(100_000), "a".repeat(100_000))).toBe(true);
    expect(matches(`%${"_".repeat(100_000)}`, "a".repeat(99_999))).toBe(false);
  });

  it("knows the lengths of its longest segments", () => {
    expect(LikePattern.parse("abc%de%_%f")).toMatchObject({ longest: 3, longestWild: 1 });
    // The place of the first and the last segment is known.
    expect(LikePattern.parse("____%a%___")).toMatchObject({ longest: 1, longestWild: 0 });
    expect(LikePattern.parse("a_b")).toMatchObject({ longest: 0, longestWild: 0 });
  });
});

function endsInEscape(pattern: readonly string[]): boolean {
  const backslashes = pattern.length - pattern.findLastIndex((character) => character !== "\\") - 1;
  return backslashes % 2 === 1;
}
