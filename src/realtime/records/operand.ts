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
   * "". `set`: a literal, macro or request value that is not empty. `unknown`: a field.
   */
  readonly emptiness: "empty" | "set" | "unknown";
  /** Whether `=` distinguishes null from "". True for JSON and `geoDistance`. */
  readonly isExact: boolean;
  /**
   * How the operand is used as the right side of `~`. `parameter`: enclosed in `%`, and its special characters are escaped,
   * unless it contains `%`. `column`: enclosed in `%`. `pattern`: used as it is.
   */
  readonly likeAs: "parameter" | "column" | "pattern";
  /** The text as the right side of `~`, if it differs from the value's. */
  readonly likeText?: string;
  /** The elements of a list with `:each`. The comparison is evaluated for each of them. An empty list has one null element. */
  readonly elements?: readonly Value[];
}

const COLUMN = {
  affinity: "none",
  isReal: false,
  emptiness: "unknown",
  isExact: false,
  likeAs: "column",
} as const;

/** Creates the operand of a field, or of a value that is computed from a field. */
export function columnOperand(value: Value, affinity: Affinity = "none"): Operand {
  return { ...COLUMN, value, affinity };
}

/** Creates the operand of a JSON value, or of another value that `=` compares exactly. */
export function exactOperand(value: Value): Operand {
  return { ...COLUMN, value, isExact: true };
}

/** Creates the operand of a list with `:each`. */
export function elementsOperand(elements: readonly Value[]): Operand {
  return { ...COLUMN, value: null, elements: elements.length === 0 ? [null] : elements };
}

/** Creates the operand of a value that PocketBase passes to SQLite as a parameter: a text, macro or request value. */
export function parameterOperand(value: Value, likeText?: string): Operand {
  if (value === null) return NULL_OPERAND;
  const emptiness = value === "" ? "empty" : "set";
  const operand: Operand = { ...COLUMN, value, emptiness, likeAs: "parameter" };
  return likeText === undefined ? operand : { ...operand, likeText };
}

/** Creates the operand of a number literal. */
export function numberOperand(value: number): Operand {
  return { ...COLUMN, value, isReal: true, emptiness: "set", likeAs: "parameter" };
}

/** Creates the operand of the literals `true` and `false`. */
export function booleanOperand(value: boolean): Operand {
  return { ...COLUMN, value: value ? 1 : 0, emptiness: "set" };
}

/** The literal `null`, and a request value that is missing. */
export const NULL_OPERAND: Operand = { ...COLUMN, value: null, emptiness: "empty" };
