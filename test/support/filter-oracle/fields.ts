import { hasElements, isJson, isList, quotedName, type Types } from "./columns.ts";
import { NotExpressed, type SqlOperand } from "./comparison.ts";

/** A filter that PocketBase refuses. */
export class InvalidFilter extends Error {}

/** The table that a path starts from, and the joins of the statement by alias. */
export interface FieldScope {
  readonly table: "records" | "users";
  readonly types: Types;
  /** Fields that the filter may not use. */
  readonly hidden: readonly string[];
  readonly joins: Map<string, string>;
  /** Whether comparisons of `email` need a visible email. */
  readonly guardsEmail: boolean;
  /** Whether an unknown name is null. Otherwise it makes the filter invalid. */
  readonly unknownIsNull: boolean;
}

const MODIFIERS = ["each", "length", "lower", "isset", "changed"];

export const NULL: SqlOperand = { sql: "NULL", nulls: "auto" };

/** The SQL of a field, with its modifier or path (core/record_field_resolver_runner.go, processActiveProps). */
export function fieldSql(path: string, scope: FieldScope): SqlOperand {
  const [first = "", ...rest] = path.split(".");
  const last = rest.length === 0 ? splitModifier(first) : { name: first, modifier: undefined };
  const type = scope.types.get(last.name);
  if (type === undefined) return unknown(path, scope);
  if (scope.hidden.includes(last.name)) throw new InvalidFilter(`${last.name} is hidden`);
  const column = `${scope.table}.${quotedName(last.name)}`;
  if (rest.length === 0) return lastFieldSql(last, column, scope);
  if (rest.includes("")) throw new InvalidFilter(`${path} has an empty part`);
  if (isJson(type)) return { sql: jsonSql(column, jsonPath(rest)), nulls: "distinct" };
  if (!type.startsWith("relation")) throw new InvalidFilter(`${first} is no relation`);
  if (rest.join(".") !== "id") return unknown(path, scope);
  if (!isList(type)) return lastFieldSql(last, column, scope);
  return relatedIdSql(last.name, scope);
}

function unknown(path: string, scope: FieldScope): SqlOperand {
  if (scope.unknownIsNull) return NULL;
  throw new InvalidFilter(`${path} is unknown`);
}

export function splitModifier(part: string): { name: string; modifier: string | undefined } {
  const [name = "", modifier, ...more] = part.split(":");
  if (modifier === undefined || more.length > 0) return { name: part, modifier: undefined };
  if (!MODIFIERS.includes(modifier)) throw new InvalidFilter(`:${modifier} is unknown`);
  return { name, modifier };
}

/** A modifier that does not apply to the type of the field is ignored. */
function lastFieldSql(
  { name, modifier }: { name: string; modifier: string | undefined },
  column: string,
  scope: FieldScope,
): SqlOperand {
  const type = scope.types.get(name);
  if (type === undefined) throw new Error(`${name} has no type`);
  if (hasElements(type) && modifier === "length") return { sql: lengthSql(column), nulls: "auto" };
  if (hasElements(type) && modifier === "each") return eachSql(name, isList(type), scope);
  const sql = type === "json" ? jsonSql(column, "") : column;
  const guarded = name === "email" && scope.guardsEmail;
  return {
    sql: modifier === "lower" ? `LOWER(${sql})` : sql,
    nulls: type === "json" ? "distinct" : "auto",
    guard: guarded ? `${scope.table}."emailVisibility" = TRUE` : undefined,
  };
}

/** Every use of a list's elements in a filter shares one join, and so one element at a time. */
function eachSql(name: string, several: boolean, { table, joins }: FieldScope): SqlOperand {
  const alias = quotedName(`each_${table}_${name}`);
  joins.set(alias, `LEFT JOIN ${elementsSql(`${table}.${quotedName(name)}`)} AS ${alias}`);
  const from = `${table} AS t LEFT JOIN ${elementsSql(`t.${quotedName(name)}`)} AS e`;
  const elements = { value: 'e."value"', from };
  return { sql: `${alias}."value"`, nulls: "auto", elements: several ? elements : undefined };
}

/** The ids of related records are joined from their own table. */
function relatedIdSql(name: string, { table, joins }: FieldScope): SqlOperand {
  if (table !== "records") throw new NotExpressed("relations of the signed-in user");
  const each = quotedName(`each_${table}_${name}`);
  const related = quotedName(`related_${name}`);
  joins.set(each, `LEFT JOIN ${elementsSql(`${table}.${quotedName(name)}`)} AS ${each}`);
  joins.set(related, `LEFT JOIN related AS ${related} ON ${related}.id = ${each}."value"`);
  const from = `${table} AS t LEFT JOIN ${elementsSql(`t.${quotedName(name)}`)} AS e LEFT JOIN related AS r ON r.id = e."value"`;
  const elements = { value: "r.id", from };
  return { sql: `${related}.id`, nulls: "auto", elements };
}

/** tools/dbutils/json.go, JSONEach */
function elementsSql(column: string): string {
  return `json_each(CASE WHEN iif(json_valid(${column}), json_type(${column}) = 'array', FALSE) THEN ${column} ELSE json_array(${column}) END)`;
}

/** tools/dbutils/json.go, JSONArrayLength */
function lengthSql(column: string): string {
  const single = `CASE WHEN ${column} = '' OR ${column} IS NULL THEN json_array() ELSE json_array(${column}) END`;
  return `json_array_length(CASE WHEN iif(json_valid(${column}), json_type(${column}) = 'array', FALSE) THEN ${column} ELSE (${single}) END)`;
}

/** tools/dbutils/json.go, JSONExtract */
function jsonSql(column: string, path: string): string {
  return `(CASE WHEN json_valid(${column}) THEN json_extract(${column}, '$${path}') ELSE json_extract(json_object('pb', ${column}), '$.pb${path}') END)`;
}

/** Digits are an index. All characters that are not allowed in the name of a column disappear, so that a modifier becomes text. */
function jsonPath(parts: readonly string[]): string {
  return parts
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part.replace(/[^\w.*\-@#]/g, "")}`))
    .join("");
}
