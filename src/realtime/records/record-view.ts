import type { Collection, FieldType, RecordData } from "./collection.ts";
import { filterError } from "./filter-error.ts";
import type { LowerCaseCache } from "./like.ts";
import type { FieldName } from "./names.ts";
import { columnOperand, elementsOperand, exactOperand, type Operand } from "./operand.ts";
import {
  type Affinity,
  jsonText,
  lowerASCII,
  numberFrom,
  textOf,
  type Value,
  valueOfJSON,
} from "./values.ts";

/** The fields of one record, as filters read them. All filters of a message share the view. */
export class RecordView {
  readonly record: RecordData;
  readonly collection: Collection;
  /** Lower-case texts for the operator `~`. */
  readonly lowerCase: LowerCaseCache = new Map();
  /** Steps that filters have taken on this record. */
  steps = 0;
  readonly #operands = new Map<string, Operand>();

  constructor(record: RecordData, collection: Collection = {}) {
    this.record = record;
    this.collection = collection;
  }

  /** The declared type of a field, or the type that its value suggests. Undefined if the record has no such field. */
  typeOf(name: string): FieldType | undefined {
    const { fields } = this.collection;
    if (fields !== undefined && Object.hasOwn(fields, name)) return fields[name];
    // PocketBase gives each record an id.
    if (name === "id") return "text";
    if (!Object.hasOwn(this.record, name) || NOT_FIELDS.has(name)) return undefined;
    return guessType(this.record[name]);
  }

  /** Returns `steps`, and sets it to 0. */
  takeSteps(): number {
    const { steps } = this;
    this.steps = 0;
    return steps;
  }

  /** @throws RealtimeError `invalid_filter` if the record has no such field, or if the name needs a database. */
  operandOf(field: FieldName): Operand {
    let operand = this.#operands.get(field.text);
    if (operand === undefined) {
      operand = this.#resolve(field);
      this.#operands.set(field.text, operand);
    }
    return operand;
  }

  #resolve(field: FieldName): Operand {
    const [name = ""] = field.path;
    const type = this.typeOf(name);
    if (type === undefined) {
      throw filterError(
        `The record has no field "${name}". If a record may lack the field, declare its type.`,
        field.position,
      );
    }
    return fieldOperand(field, type, this.#valueOf(name));
  }

  #valueOf(name: string): unknown {
    if (Object.hasOwn(this.record, name)) return this.record[name];
    return name === "id" ? UNKNOWN_ID : null;
  }
}

/** Properties of a published record that are no fields in PocketBase. */
const NOT_FIELDS: ReadonlySet<string> = new Set(["collectionId", "collectionName", "expand"]);

/** Stands for the id of a record that was published without one. */
const UNKNOWN_ID = "000000000000000";

/** Guesses the type of a field without a declared type. */
export function guessType(value: unknown): FieldType {
  if (typeof value === "string") return "text";
  if (typeof value === "number") return "number";
  if (typeof value === "boolean") return "bool";
  const isTextList = Array.isArray(value) && value.every((item) => typeof item === "string");
  return isTextList ? "select[]" : "json";
}

/**
 * Returns the operand of a field with its path and modifier, as PocketBase resolves it (core/record_field_resolver_runner.go,
 * `processActiveProps`).
 *
 * @throws RealtimeError `invalid_filter` for a path into a field that has no parts.
 */
export function fieldOperand(field: FieldName, type: FieldType, value: unknown): Operand {
  const { path, modifier, text, position } = field;
  if (path.length > 1) {
    if (type === "json" || type === "geoPoint") return exactOperand(valueAtPath(field, value));
    if (isRelationId(path, type)) {
      return type === "relation[]" && modifier === undefined
        ? // The id is a text column of the other collection.
          elementsOperand(listOf(value).map(valueOfJSON), "text")
        : withModifier(modifier, type, value);
    }
    throw filterError(
      `"${text}" needs a query of the database. A path works only in a JSON field, and as ".id" in a relation. If the field is one of these, declare its type.`,
      position,
    );
  }
  return withModifier(modifier, type, value);
}

function isRelationId(path: readonly string[], type: FieldType): boolean {
  return path.length === 2 && path[1] === "id" && (type === "relation" || type === "relation[]");
}

/** A modifier that the type does not support is ignored, as in PocketBase. */
function withModifier(modifier: FieldName["modifier"], type: FieldType, value: unknown): Operand {
  const isMultiple = type.endsWith("[]");
  const plain = plainOperand(type, value);
  switch (modifier) {
    case "each":
      if (!canBeMultiple(type)) return plain;
      // PocketBase checks every element only of a field that can have several.
      return isMultiple
        ? elementsOperand(listOf(value).map(valueOfJSON))
        : columnOperand(plain.value);
    case "length":
      if (!canBeMultiple(type)) return plain;
      return columnOperand(isMultiple ? listOf(value).length : plain.value ? 1 : 0);
    case "lower": {
      const text = textOf(plain.value, plain.isReal);
      return { ...plain, value: text === null ? null : lowerASCII(text), affinity: "none" };
    }
    default:
      return plain;
  }
}

/** Whether a field of this type can have several values. */
export function canBeMultiple(type: FieldType): boolean {
  return /^(?:select|file|relation)/.test(type);
}

function plainOperand(type: FieldType, value: unknown): Operand {
  if (type === "json" || type === "geoPoint") return exactOperand(valueOfJSON(value));
  if (type.endsWith("[]")) return columnOperand(jsonText(listOf(value)));
  return columnOperand(columnValue(type, value), affinityOf(type));
}

function affinityOf(type: FieldType): Affinity {
  return type === "number" || type === "bool" ? "numeric" : "text";
}

/** Converts a value to the type of its column. Null and a missing value stay null. */
function columnValue(type: FieldType, value: unknown): Value {
  const plain = valueOfJSON(value);
  if (plain === null) return null;
  if (type === "number") return typeof plain === "number" ? plain : (numberFrom(plain) ?? 0);
  if (type === "bool") return plain === 1 || plain === "true" || plain === "1" ? 1 : 0;
  return textOf(plain, false);
}

/** A list field with one value, or with none, is accepted without its brackets. */
function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === null || value === undefined || value === "" ? [] : [value];
}

/** Reads a path in a JSON value as SQLite's `json_extract`: a part of digits is an index of a list. */
function valueAtPath({ path, lastWithModifier }: FieldName, value: unknown): Value {
  let current: unknown = value;
  for (const key of [...path.slice(1, -1), lastWithModifier]) {
    if (typeof current !== "object" || current === null) return null;
    if (/^\d+$/.test(key)) {
      if (!Array.isArray(current)) return null;
      current = current[Number(key)];
    } else {
      if (Array.isArray(current) || !Object.hasOwn(current, key)) return null;
      // `current` is an object that is not a list.
      current = (current as Record<string, unknown>)[key];
    }
  }
  return valueOfJSON(current);
}
