import type { LikeMatcher } from "./like.ts";
import type { Operand } from "./operand.ts";
import type { Operator } from "./parse-filter.ts";
import { compareTexts, numberFrom, textOfNumber, type Value } from "./values.ts";

/** The result of a comparison in SQL: null is neither true nor false. */
export type Truth = boolean | null;

/**
 * Compares two values as the SQL does that PocketBase builds (tools/search/filter.go, `buildResolversExpr`).
 *
 * @param a The value of `left`: its own, or that of one of its elements.
 * @param b As `a`, of `right`.
 */
export function compare(
  operator: Operator,
  left: Operand,
  a: Value,
  right: Operand,
  b: Value,
  like: LikeMatcher,
): Truth {
  switch (operator) {
    case "=":
      return isEqual(left, a, right, b);
    case "!=":
      return isNotEqual(left, a, right, b);
    case "~":
      return like.matches(left, a, right, b);
    case "!~":
      return not(like.matches(left, a, right, b));
    default: {
      const order = compareOrder(left, a, right, b);
      if (order === null) return null;
      if (operator === ">") return order > 0;
      if (operator === ">=") return order >= 0;
      return operator === "<" ? order < 0 : order <= 0;
    }
  }
}

/** Returns the number of characters that `compare` reads at most. 0 for `~` and `!~`: `LikeMatcher` counts theirs. */
export function charactersCompared(
  operator: Operator,
  left: Operand,
  a: Value,
  right: Operand,
  b: Value,
): number {
  if (operator.endsWith("~")) return 0;
  if (typeof a === "string" && typeof b === "string") {
    const converted = isConverted(left, right) ? a.length : isConverted(right, left) ? b.length : 0;
    return Math.max(converted, Math.min(a.length, b.length));
  }
  if (typeof a === "string") return isConverted(left, right) ? a.length : 0;
  return typeof b === "string" && isConverted(right, left) ? b.length : 0;
}

/** `=` as PocketBase builds it (`resolveEqualExpr`). */
function isEqual(left: Operand, a: Value, right: Operand, b: Value): Truth {
  if (left.isExact || right.isExact) return isSame(left, a, right, b);
  const [leftIsEmpty, rightIsEmpty] = [left.emptiness === "empty", right.emptiness === "empty"];
  if (leftIsEmpty && rightIsEmpty) return true;
  if (left.emptiness === "set" || right.emptiness === "set") {
    if ((a === null && !leftIsEmpty) || (b === null && !rightIsEmpty)) return null;
    return isSameOrEmpty(left, a, right, b);
  }
  if (leftIsEmpty) return b === null || b === "";
  if (rightIsEmpty) return a === null || a === "";
  return (a ?? "") === (b ?? "");
}

/** `!=` is never null: PocketBase writes it as `IS NOT`. */
function isNotEqual(left: Operand, a: Value, right: Operand, b: Value): boolean {
  const isExact = left.isExact || right.isExact;
  const isSet = left.emptiness === "set" || right.emptiness === "set";
  if (isSet && !isExact) return !isSameOrEmpty(left, a, right, b);
  return isEqual(left, a, right, b) !== true;
}

/** SQLite's `IS`, with "" for an operand that PocketBase knows to be empty. */
function isSameOrEmpty(left: Operand, a: Value, right: Operand, b: Value): boolean {
  const [x, y] = [left.emptiness === "empty" ? "" : a, right.emptiness === "empty" ? "" : b];
  return isSame(left, x, right, y);
}

/** SQLite's `IS`: null is the same as null. */
function isSame(left: Operand, a: Value, right: Operand, b: Value): boolean {
  if (a === null || b === null) return a === b;
  return compareOrder(left, a, right, b) === 0;
}

/**
 * Compares in SQLite's order: numbers before texts. First converts the values by the affinities
 * (https://sqlite.org/datatype3.html, "Type Conversions Prior To Comparison").
 *
 * @returns a number below, equal to or above 0; null if a value is null.
 */
function compareOrder(left: Operand, a: Value, right: Operand, b: Value): number | null {
  if (a === null || b === null) return null;
  const x = convert(left, a, right);
  const y = convert(right, b, left);
  // Not the difference: infinity minus infinity is not a number.
  if (typeof x === "number") return typeof y === "number" ? Number(x > y) - Number(x < y) : -1;
  return typeof y === "number" ? 1 : compareTexts(x, y);
}

/** Converts a value by the affinity of the other side. */
function convert(own: Operand, value: number | string, other: Operand): number | string {
  if (typeof value === "string") {
    return isConverted(own, other) ? (numberFrom(value) ?? value) : value;
  }
  return other.affinity === "text" && own.affinity === "none"
    ? textOfNumber(value, own.isReal)
    : value;
}

/** Whether a text of one side is converted to a number, if it is one. */
function isConverted(own: Operand, other: Operand): boolean {
  return other.affinity === "numeric" && own.affinity !== "numeric";
}

function not(truth: Truth): Truth {
  return truth === null ? null : !truth;
}
