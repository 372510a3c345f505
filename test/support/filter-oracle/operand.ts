import { realSql, textSql } from "./columns.ts";
import { type BoundValue, NotExpressed, patternSql, type SqlOperand } from "./comparison.ts";
import { type FieldScope, fieldSql, InvalidFilter, NULL, splitModifier } from "./fields.ts";
import { macroValue } from "./macros.ts";
import type { Operand } from "./tree.ts";

/** What names stand for in one filter. */
export interface Scope {
  readonly record: FieldScope;
  /** Undefined for a guest. */
  readonly user: (FieldScope & { readonly auth: Readonly<Record<string, unknown>> }) | undefined;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly now: Date;
}

/** The names that a filter may use (core/record_field_resolver.go, allowedFields), without those of other collections. */
const NAMES =
  /^(?:\w[\w.:]*|@request\.(?:context|method)|@request\.(?:auth|body|query|headers)\.[\w.:]*\w)$/;

/** These fields of the signed-in user come with the request. The others are read from the user's record. */
const REQUEST_AUTH_FIELDS = [
  "id",
  "collectionId",
  "collectionName",
  "email",
  "emailVisibility",
  "verified",
];

const LITERALS = new Map([
  ["null", "NULL"],
  ["true", "1"],
  ["false", "0"],
]);

export function operandSql(operand: Operand, scope: Scope): SqlOperand {
  if (operand.kind === "text") return bound(operand.value);
  if (operand.kind === "number") return bound(Number(operand.digits), "real");
  if (operand.kind === "name") return nameSql(operand.name, scope);
  return callSql(operand, scope);
}

/** PocketBase binds numbers of a filter as floats, and integers only where Go has an integer. */
function bound(value: BoundValue, numbers?: "real" | "integer"): SqlOperand {
  let sql: string;
  if (typeof value === "string") sql = textSql(value);
  else if (typeof value === "boolean") sql = value ? "1" : "0";
  else sql = numbers === "integer" ? String(value) : realSql(value);
  return { sql, nulls: "auto", bound: [value], pattern: patternSql(value) };
}

function nameSql(name: string, scope: Scope): SqlOperand {
  const macro = macroValue(name, scope.now);
  if (macro !== undefined) return bound(macro, "integer");
  try {
    if (!NAMES.test(name)) throw new InvalidFilter(`${name} is no name`);
    return name.startsWith("@") ? requestSql(name, scope) : fieldSql(name, scope.record);
  } catch (error) {
    const literal = LITERALS.get(name.toLowerCase());
    if (error instanceof InvalidFilter && literal !== undefined) {
      return { sql: literal, nulls: "auto" };
    }
    throw error;
  }
}

function requestSql(name: string, scope: Scope): SqlOperand {
  const [, source = "", ...path] = name.split(".");
  if (source === "context") return bound("realtime");
  if (source === "method") return bound("GET");
  if (source === "auth") return authSql(path.join("."), scope);
  if (source === "body") return bodySql(path);
  return optionSql(path, source === "query" ? scope.query : scope.headers, scope);
}

function authSql(path: string, { user }: Scope): SqlOperand {
  if (user === undefined) return NULL;
  if (!REQUEST_AUTH_FIELDS.includes(path)) return fieldSql(path, user);
  const value = user.auth[path];
  if (typeof value === "string" || typeof value === "boolean") return bound(value);
  return NULL;
}

/** A realtime request has no body. */
function bodySql(path: readonly string[]): SqlOperand {
  if (path.join(".").includes(":")) throw new NotExpressed("a modifier of @request.body");
  return NULL;
}

/** A parameter or header of the subscription's options (core/record_field_resolver.go, resolveStaticRequestField). */
function optionSql(
  path: readonly string[],
  options: Readonly<Record<string, string>>,
  scope: Scope,
): SqlOperand {
  const { name, modifier } = splitModifier(path.at(-1) ?? "");
  const value =
    path.length === 1 && Object.hasOwn(options, name) ? (options[name] ?? "") : undefined;
  if (modifier === "isset") return { sql: value === undefined ? "FALSE" : "TRUE", nulls: "auto" };
  if (modifier !== undefined && modifier !== "lower") throw new InvalidFilter(`:${modifier}`);
  if (value === undefined) return NULL;
  const isNumber = scope.record.types.get(name) === "number" && /^-?\d+(?:\.\d+)?$/.test(value);
  const operand = isNumber ? bound(Number(value), "real") : bound(value);
  if (modifier === undefined) return operand;
  return { ...operand, sql: `LOWER(${operand.sql})`, pattern: `LOWER(${operand.pattern})` };
}

/** tools/search/token_functions.go */
function callSql(call: Extract<Operand, { kind: "call" }>, scope: Scope): SqlOperand {
  if (call.args.some((arg) => arg.kind === "call")) throw new InvalidFilter("a nested function");
  if (call.name === "geoDistance") {
    if (call.args.length !== 4 || call.args.some((arg) => arg.kind === "text")) {
      throw new InvalidFilter("geoDistance takes four names or numbers");
    }
    const args = call.args.map((arg) => operandSql(arg, scope));
    return { ...functionSql(args, distanceSql), nulls: "distinct" };
  }
  if (call.name !== "strftime") throw new InvalidFilter(`${call.name} is no function`);
  const [format, time, ...modifiers] = call.args;
  const texts = [format, ...modifiers].every((arg) => arg?.kind === "text");
  if (!texts || call.args.length > 10) throw new InvalidFilter("strftime takes texts");
  if (time === undefined) throw new NotExpressed("the time of SQLite's own clock");
  const args = call.args.map((arg) => operandSql(arg, scope));
  const timeSql = (parts: readonly string[]) => `strftime(${parts.join(", ")})`;
  const elements = args[1]?.elements;
  const parts = args.map(({ sql }, index) => (index === 1 ? (elements?.value ?? sql) : sql));
  return {
    ...functionSql(args, timeSql),
    nulls: "empty",
    elements: elements && { value: timeSql(parts), from: elements.from },
  };
}

function functionSql(
  args: readonly SqlOperand[],
  call: (parts: readonly string[]) => string,
): Pick<SqlOperand, "sql" | "bound" | "pattern"> {
  const bound = args.flatMap((arg) => arg.bound ?? []);
  const pattern = call(args.map((arg) => arg.pattern ?? arg.sql));
  return {
    sql: call(args.map(({ sql }) => sql)),
    bound,
    pattern: bound.length > 0 ? pattern : undefined,
  };
}

function distanceSql([lonA, latA, lonB, latB]: readonly string[]): string {
  return (
    `(6371 * acos(cos(radians(${latA})) * cos(radians(${latB})) * ` +
    `cos(radians(${lonB}) - radians(${lonA})) + sin(radians(${latA})) * sin(radians(${latB}))))`
  );
}
