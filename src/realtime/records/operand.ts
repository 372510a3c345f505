import type { Affinity, Value } from "./values.ts";

/** One side of a comparison with its value, and what PocketBase's SQL and SQLite know about it. */
export interface Operand {
  /** Not used if `elements` is set. */
  readonly value: Value;
  readonly affinity: Affinity;
  /** Whether an integral number is a real for SQLite, so its text ends with `.0`. True for number literals. */
  readonly isReal: boolean;
  /**
   * What PocketBase knows about emptiness when it builds the SQL (tools/search/filter.go, `resolveEqualExpr`). `empty`: null or
   * "". `set`: a literal, macro or request value that is not empty. `unknown`: any other, such as a field.
   */
  readonly emptiness: "empty" | "set" | "unknown";
  /** Whether `=` distinguishes null from "". True for JSON and `geoDistance`. */
  readonly isExact: boolean;
  /**
   * How the operand is used as the right side of `~`. `parameter`: enclosed in `%`, and its special characters are escaped,
   * unless it contains `%`. `column`: enclosed in `%`. `pattern`: used as it is.
   */
  readonly likeAs: "parameter" | "column" | "pattern";
  /** The text to use as the right side of `~`, if it is not that of the value. */
  readonly likeText: string | undefined;
  /** The elements of a list with `:each`. The comparison is evaluated for each of them. An empty list has one null element. */
  readonly elements: readonly Value[] | undefined;
}

/**
 * Returns an operand with all properties. Every evaluation of a filter creates operands and reads them. In V8 that takes
 * several times as long for objects that are created by spreading, because they have different shapes.
 */
function createOperand({
  value,
  affinity = "none",
  isReal = false,
  emptiness = "unknown",
  isExact = false,
  likeAs = "column",
  likeText,
  elements,
}: Pick<Operand, "value"> & Partial<Operand>): Operand {
  return { value, affinity, isReal, emptiness, isExact, likeAs, likeText, elements };
}

/** Creates the operand of a field, or of a value that is computed from a field. */
export function columnOperand(value: Value, affinity: Affinity = "none"): Operand {
  return createOperand({ value, affinity });
}

/** Creates the operand of a JSON value, or of another value that `=` compares exactly. */
export function exactOperand(value: Value): Operand {
  return createOperand({ value, isExact: true });
}

/** Creates the operand of a list with `:each`. */
export function elementsOperand(elements: readonly Value[], affinity: Affinity = "none"): Operand {
  const values = elements.length === 0 ? [null] : elements;
  return createOperand({ value: null, affinity, elements: values });
}

/** Creates the operand of a value that PocketBase passes to SQLite as a parameter: a text, macro or request value. */
export function parameterOperand(value: Value, likeText?: string): Operand {
  if (value === null) return NULL_OPERAND;
  const emptiness = value === "" ? "empty" : "set";
  return createOperand({ value, emptiness, likeAs: "parameter", likeText });
}

/** Creates the operand of a number literal. */
export function numberOperand(value: number): Operand {
  return createOperand({ value, isReal: true, emptiness: "set", likeAs: "parameter" });
}

/** Creates the operand of the literals `true` and `false`. */
export function booleanOperand(value: boolean): Operand {
  return createOperand({ value: value ? 1 : 0, emptiness: "set" });
}

/** The literal `null`, and a request value that is missing. */
export const NULL_OPERAND: Operand = createOperand({ value: null, emptiness: "empty" });
