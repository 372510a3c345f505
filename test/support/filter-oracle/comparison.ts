import { textSql } from "./columns.ts";
import type { Operator, PlainOperator } from "./tree.ts";

/** An operand in SQL. */
export interface SqlOperand {
  readonly sql: string;
  /** The values that PocketBase binds to the SQL. Columns and their expressions have none. */
  readonly bound?: readonly BoundValue[] | undefined;
  /** The operand as the pattern of LIKE, if it has bound values: PocketBase makes a pattern of each. */
  readonly pattern?: string | undefined;
  /**
   * How equality treats null (tools/search/filter.go, NullFallback). `empty`: as ''. `distinct`: null is not ''. `auto`: as '', but
   * not beside a value that is known not to be empty.
   */
  readonly nulls: "auto" | "empty" | "distinct";
  /** All elements, if the operand is an element of a list with several. */
  readonly elements?: Elements | undefined;
  /** A condition that goes with every comparison of the operand. */
  readonly guard?: string | undefined;
}

export type BoundValue = string | number | boolean;

/** A query: SELECT value FROM from. */
interface Elements {
  readonly value: string;
  readonly from: string;
}

/** A filter that PocketBase answers and the oracle does not. */
export class NotExpressed extends Error {}

/** The condition that PocketBase builds for one comparison (tools/search/filter.go, buildResolversExpr). */
export function comparisonSql(left: SqlOperand, operator: Operator, right: SqlOperand): string {
  const any = operator.startsWith("?");
  // An operator without its question mark is a plain operator.
  const plain = (any ? operator.slice(1) : operator) as PlainOperator;
  let sql = plainSql(left, plain, right);
  if (!any) {
    const every = everySql(left, plain, right);
    if (every !== undefined) sql = `(${sql} AND ${every})`;
  }
  for (const { guard } of [left, right]) {
    if (guard !== undefined) sql = `(${sql} AND ${guard})`;
  }
  return sql;
}

function plainSql(left: SqlOperand, operator: PlainOperator, right: SqlOperand): string {
  if (operator === "=" || operator === "!=") return equalitySql(left, operator === "=", right);
  if (operator === "~") return likeSql(left, "LIKE", right);
  if (operator === "!~") return likeSql(left, "NOT LIKE", right);
  return `${left.sql} ${operator} ${right.sql}`;
}

/** No element may make the comparison false. An element that makes it null does no harm. */
function everySql(
  left: SqlOperand,
  operator: PlainOperator,
  right: SqlOperand,
): string | undefined {
  if (left.elements === undefined && right.elements === undefined) return undefined;
  // PocketBase keeps how null is treated for the elements, and forgets it for the other side.
  const of = (side: SqlOperand, alias: string): SqlOperand =>
    side.elements === undefined
      ? { sql: side.sql, bound: side.bound, pattern: side.pattern, nulls: "auto" }
      : { sql: `"${alias}"."value"`, nulls: side.nulls };
  const condition = plainSql(of(left, "every_left"), operator, of(right, "every_right"));
  const from = [...queriesOf(left, "every_left"), ...queriesOf(right, "every_right")].join(
    " LEFT JOIN ",
  );
  return `NOT EXISTS (SELECT 1 FROM ${from} WHERE NOT (${condition}))`;
}

function queriesOf({ elements }: SqlOperand, alias: string): string[] {
  if (elements === undefined) return [];
  return [`(SELECT ${elements.value} AS "value" FROM ${elements.from}) AS "${alias}"`];
}

/** tools/search/filter.go, resolveEqualExpr */
function equalitySql(left: SqlOperand, equal: boolean, right: SqlOperand): string {
  const operator = equal ? "=" : "IS NOT";
  if (left.nulls === "distinct" || right.nulls === "distinct") {
    return `${left.sql} ${equal ? "IS" : "IS NOT"} ${right.sql}`;
  }
  const leftSql = isEmpty(left) ? "''" : left.sql;
  const rightSql = isEmpty(right) ? "''" : right.sql;
  if ((isEmpty(left) && isEmpty(right)) || isKnown(left) || isKnown(right)) {
    return `${leftSql} ${operator} ${rightSql}`;
  }
  if (isEmpty(left) || isEmpty(right)) {
    const other = isEmpty(left) ? right.sql : left.sql;
    const isNull = equal ? `OR ${other} IS NULL` : `AND ${other} IS NOT NULL`;
    return `(${leftSql} ${operator} ${rightSql} ${isNull})`;
  }
  return `COALESCE(${left.sql}, '') ${operator} COALESCE(${right.sql}, '')`;
}

function isEmpty({ sql, bound, nulls }: SqlOperand): boolean {
  return sql === "NULL" || (nulls === "auto" && bound?.length === 1 && bound[0] === "");
}

/** Whether the operand is known not to be empty. */
function isKnown({ sql, bound = [], nulls }: SqlOperand): boolean {
  if (nulls === "empty") return false;
  const isLiteral = ["1", "0", "TRUE", "FALSE"].includes(sql);
  return isLiteral || (bound.length > 0 && !bound.includes(""));
}

function likeSql(left: SqlOperand, like: string, right: SqlOperand): string {
  return `${left.sql} ${like} ${right.pattern ?? `('%' || ${right.sql} || '%')`} ESCAPE '\\'`;
}

/** The pattern that a bound value becomes (tools/search/filter.go, wrapLikeParams). */
export function patternSql(value: BoundValue): string {
  const text = goText(value);
  const hasWildcard = /^(?:[^\\%]|\\.)*%/su.test(text);
  return textSql(hasWildcard ? text : `%${escaped([...text])}%`);
}

/** A bound value as Go writes it (github.com/spf13/cast, ToString): numbers never have an exponent. */
function goText(value: BoundValue): string {
  if (typeof value !== "number" || !String(value).includes("e")) return String(value);
  if (Number.isInteger(value)) return BigInt(value).toString();
  return value.toFixed(20).replace(/0+$/, "");
}

/**
 * Reads from the end, as PocketBase does: the character before a special one is not looked at any more, so that of two special
 * characters side by side only the last is escaped.
 */
function escaped(characters: readonly string[]): string {
  let text = "";
  for (let index = characters.length - 1; index >= 0; index -= 1) {
    const character = characters[index] ?? "";
    if (!["\\", "%", "_"].includes(character)) {
      text = character + text;
      continue;
    }
    const before = characters[index - 1] ?? "";
    text = (before === "\\" ? `\\${character}` : `${before}\\${character}`) + text;
    index -= 1;
  }
  return text;
}
