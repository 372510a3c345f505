import * as v from "valibot";
import { type FieldError, type FieldErrors, RealtimeError } from "../../realtime/errors.ts";
import { nearestName } from "../../realtime/nearest-name.ts";
import { mainSchema, type SchemaPart } from "./objects.ts";

type Issue = v.BaseIssue<unknown>;

/** Maximum number of unknown fields that a response names. */
const MAX_UNKNOWN = 10;
/** Maximum number of characters of an unknown field's name that a response repeats. */
const MAX_SHOWN = 64;

/** The errors of unknown fields, each with a hint for its name. */
export function unknownFields(
  names: readonly string[],
  known: readonly string[],
): Readonly<Record<string, FieldError>> {
  const errors: Record<string, FieldError> = Object.create(null);
  for (const name of names.slice(0, MAX_UNKNOWN)) {
    errors[name.slice(0, MAX_SHOWN)] = {
      code: "validation_unknown_field",
      message: `This field is unknown. ${hintFor(name, known)}`,
    };
  }
  return errors;
}

function hintFor(name: string, known: readonly string[]): string {
  const list = /^(.+)\[\d*\]$/.exec(name)?.[1];
  if (list !== undefined && known.includes(list)) {
    return `Write "${list}" without brackets, once for each value.`;
  }
  const nearest = nearestName(name, known);
  if (nearest !== undefined) return `Did you mean "${nearest}"?`;
  return known.length === 0 ? "Leave it out." : `The known fields are: ${known.join(", ")}.`;
}

/**
 * Validates input by a schema.
 *
 * @throws RealtimeError `invalid_input` with the errors of all fields. Most codes are those of ozzo-validation, which
 *   PocketBase uses (`validation_required`, `validation_length_too_long`, ...). `validation_invalid_type` and
 *   `validation_unknown_field` are the service's own.
 */
export function validate<T>(schema: v.GenericSchema<unknown, T>, value: unknown): T {
  const { success, output, issues } = v.safeParse(schema, value);
  if (success) return output;
  throw invalidInput(fieldErrors(issues, value, schema));
}

/** The errors of `value` by field; undefined when it is valid. For the items of a list, the caller keys the errors by index. */
export function validateItem(schema: v.GenericSchema, value: unknown): FieldErrors | undefined {
  const { success, issues } = v.safeParse(schema, value);
  return success ? undefined : fieldErrors(issues, value, schema);
}

/** An `invalid_input` error. Its message repeats the first field's error, for clients that show only the message. */
export function invalidInput(fields: FieldErrors): RealtimeError {
  const [path, message] = firstError(fields, []);
  const text = path.length === 0 ? message : `${path.join(".")}: ${message}`;
  return new RealtimeError("invalid_input", `The request is not valid. ${text}`, { fields });
}

function firstError(fields: FieldErrors, path: readonly string[]): [readonly string[], string] {
  for (const [name, error] of Object.entries(fields)) {
    const inner = [...path, name];
    return isFieldError(error) ? [inner, error.message] : firstError(error, inner);
  }
  return [path, "A value is not valid."];
}

function isFieldError(error: FieldError | FieldErrors): error is FieldError {
  return typeof error.code === "string";
}

/** The names of the fields of the object at a path; none where the schema has no object. */
function namesAt(schema: SchemaPart, path: readonly string[]): string[] {
  const [name, ...rest] = path;
  const fields = fieldsOf(schema);
  if (name === undefined) return Object.keys(fields);
  const inner = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return inner === undefined ? [] : namesAt(inner, rest);
}

/** The fields of an object schema, which may be optional or an option of a union. Empty for other schemas. */
function fieldsOf(schema: SchemaPart | string): Readonly<Record<string, SchemaPart>> {
  if (typeof schema === "string") return {};
  const { wrapped, options = [], entries } = mainSchema(schema);
  if (wrapped !== undefined) return fieldsOf(wrapped);
  return entries ?? Object.assign({}, ...options.map(fieldsOf));
}

/** `FieldErrors` while they are collected. */
interface CollectedErrors {
  [field: string]: FieldError | CollectedErrors;
}

function fieldErrors(issues: readonly Issue[], value: unknown, schema: SchemaPart): FieldErrors {
  const errors: CollectedErrors = Object.create(null);
  // Short paths first: the error of a whole list replaces those of its items.
  const places = issues.flatMap((issue) => placesOf(issue));
  for (const { issue, path } of places.sort((a, b) => a.path.length - b.path.length)) {
    if (!isUnknownField(issue)) addError(errors, path, toFieldError(issue, valueAt(value, path)));
    else {
      const known = namesAt(schema, path);
      const names = Object.keys(Object(valueAt(value, path)));
      const unknown = unknownFields(
        names.filter((name) => !known.includes(name)),
        known,
      );
      for (const [name, error] of Object.entries(unknown)) addError(errors, [...path, name], error);
    }
  }
  return errors;
}

/** An issue, and the path of its value. For unknown fields, this is the path of the object that has the fields. */
interface Place {
  readonly issue: Issue;
  readonly path: readonly string[];
}

/** The place of an issue. In place of a union's issue, the places of the issues of the option that has the value's type. */
function placesOf(issue: Issue, base: readonly string[] = []): Place[] {
  const path = [...base, ...(issue.path ?? []).map(({ key }) => String(key))];
  if (isUnknownField(issue)) return [{ issue, path: path.slice(0, -1) }];
  const inner = issue.type === "union" ? issue.issues?.filter((one) => !isOfWholeType(one)) : [];
  if (!inner?.length) return [{ issue, path }];
  return inner.flatMap((one) => placesOf(one, path));
}

/** Whether the issue is that of a `strictObject` with unknown fields. Valibot reports the first of these fields. */
function isUnknownField({ type, expected }: Issue): boolean {
  return type === "strict_object" && expected === "never";
}

function isOfWholeType({ kind, path }: Issue): boolean {
  return kind === "schema" && path === undefined;
}

/** Adds an error at a path, unless the path or a part of it has one. */
function addError(
  errors: CollectedErrors,
  [name = "body", ...rest]: readonly string[],
  error: FieldError,
): void {
  if (rest.length === 0) {
    errors[name] ??= error;
    return;
  }
  // Without a prototype, because a field may be named `toString`: the prototype's function would be found in place of an error.
  const inner: FieldError | CollectedErrors = errors[name] ?? Object.create(null);
  errors[name] = inner;
  if (!isFieldError(inner)) addError(inner, rest, error);
}

const BLANK: FieldError = { code: "validation_required", message: "Cannot be blank." };

function toFieldError(issue: Issue, found: unknown): FieldError {
  const { kind, type, message, requirement } = issue;
  switch (type) {
    case "min_length":
      return BLANK;
    case "max_length":
      return {
        code: "validation_length_too_long",
        message: `The length must be no more than ${requirement}.`,
      };
    case "picklist":
      return { code: "validation_in_invalid", message };
  }
  if (kind !== "schema" || type === "custom") return { code: "validation_match_invalid", message };
  if (found === undefined || found === null) return BLANK;
  const types = expectedTypes(issue).map(withArticle);
  return { code: "validation_invalid_type", message: `Must be ${types.join(" or ")}.` };
}

/** The types that an issue expects: one, or those of a union's options. */
function expectedTypes({ type, expected, issues }: Issue): string[] {
  return type === "union"
    ? (issues ?? []).flatMap(expectedTypes)
    : [String(expected).toLowerCase()];
}

function withArticle(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let inner = value;
  for (const name of path) inner = inner == null ? undefined : Reflect.get(Object(inner), name);
  return inner;
}
