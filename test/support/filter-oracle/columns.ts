import type { FieldType } from "../../../src/realtime/records/collection.ts";

export type Types = ReadonlyMap<string, FieldType>;

/** Properties of a record that are not columns in PocketBase. */
const NO_COLUMNS = ["collectionId", "collectionName", "expand"];

const LISTS: readonly FieldType[] = ["select[]", "file[]", "relation[]"];
const SINGLES: readonly FieldType[] = ["select", "file", "relation"];

export const isList = (type: FieldType): boolean => LISTS.includes(type);
/** Whether the modifiers `:each` and `:length` apply to the type. */
export const hasElements = (type: FieldType): boolean => isList(type) || SINGLES.includes(type);
export const isJson = (type: FieldType): boolean => type === "json" || type === "geoPoint";

/** The types of a record's columns: the declared ones, and for the other fields what their values look like. */
export function columnTypes(
  record: Readonly<Record<string, unknown>>,
  declared: Readonly<Record<string, FieldType>> = {},
): Types {
  const types = new Map<string, FieldType>([["id", "text"]]);
  for (const [name, value] of Object.entries(record)) types.set(name, typeOf(value));
  for (const [name, type] of Object.entries(declared)) types.set(name, type);
  for (const name of NO_COLUMNS) types.delete(name);
  return types;
}

function typeOf(value: unknown): FieldType {
  if (typeof value === "string") return "text";
  if (typeof value === "number") return "number";
  if (typeof value === "boolean") return "bool";
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return "select[]";
  return "json";
}

/**
 * The SQL that creates a table with one record in it. Column types are those of core/field_*.go. Columns may be null here, because
 * a record in memory may lack a field. A list that is missing is empty, as in PocketBase.
 */
export function tableSql(
  table: string,
  record: Readonly<Record<string, unknown>>,
  types: Types,
): string {
  const fields = [...types];
  const columns = fields.map(([name, type]) => `${quotedName(name)} ${columnType(type)}`);
  const values = fields.map(([name, type]) => storedSql(storedValue(record, name), type));
  return (
    `DROP TABLE IF EXISTS ${table}; CREATE TABLE ${table} (${columns.join(", ")}); ` +
    `INSERT INTO ${table} VALUES (${values.join(", ")});`
  );
}

/** A record always has an id in PocketBase. */
function storedValue(record: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(record, name)) return record[name];
  return name === "id" ? "abcdefghijklmno" : undefined;
}

function columnType(type: FieldType): string {
  if (type === "number") return "NUMERIC";
  if (type === "bool") return "BOOLEAN";
  return isList(type) || isJson(type) ? "JSON" : "TEXT";
}

function storedSql(value: unknown, type: FieldType): string {
  if (isList(type)) return textSql(goJson(value ?? []));
  if (value === undefined || (value === null && type !== "json")) return "NULL";
  if (isJson(type)) return textSql(goJson(value));
  if (typeof value === "string") return textSql(value);
  if (typeof value === "number") return realSql(value);
  if (typeof value === "boolean") return value ? "1" : "0";
  throw new Error(`A column of type ${type} can't contain ${JSON.stringify(value)}`);
}

/** JSON as Go's encoding/json writes it: it escapes some characters for HTML and JavaScript. */
function goJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A literal of type REAL: PocketBase binds every number as a float. */
export function realSql(value: number): string {
  const digits = String(value);
  return /[.e]/.test(digits) ? digits : `${digits}.0`;
}

export function textSql(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
