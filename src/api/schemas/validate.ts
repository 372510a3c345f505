import * as z from "zod/mini";
import { type FieldError, type FieldErrors, RealtimeError } from "../../realtime/errors.ts";
import { nearestName } from "../../realtime/nearest-name.ts";

type Issue = z.core.$ZodIssue;

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
export function validate<T>(schema: z.ZodMiniType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidInput(fieldErrors(result.error.issues, value, schema));
}

/** The errors of `value` by field; undefined when it is valid. For the items of a list, the caller keys the errors by index. */
export function validateItem(schema: z.ZodMiniType, value: unknown): FieldErrors | undefined {
  const result = schema.safeParse(value);
  return result.success ? undefined : fieldErrors(result.error.issues, value, schema);
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
function namesAt(schema: z.core.$ZodType, path: readonly string[]): string[] {
  const [name, ...rest] = path;
  const shape = shapeOf(schema);
  if (name === undefined) return Object.keys(shape);
  const inner = Object.hasOwn(shape, name) ? shape[name] : undefined;
  return inner === undefined ? [] : namesAt(inner, rest);
}

/** The shape of an object schema, which may be optional or an option of a union. Empty for other schemas. */
function shapeOf(schema: z.core.$ZodType): z.core.$ZodShape {
  if (schema instanceof z.ZodMiniOptional) return shapeOf(schema._zod.def.innerType);
  if (schema instanceof z.ZodMiniUnion) {
    return Object.assign({}, ...schema._zod.def.options.map(shapeOf));
  }
  return schema instanceof z.ZodMiniObject ? schema._zod.def.shape : {};
}

/** `FieldErrors` while they are collected. */
interface CollectedErrors {
  [field: string]: FieldError | CollectedErrors;
}

function fieldErrors(
  issues: readonly Issue[],
  value: unknown,
  schema: z.core.$ZodType,
): FieldErrors {
  const errors: CollectedErrors = Object.create(null);
  // Short paths first: the error of a whole list replaces those of its items.
  const sorted = issues.flatMap(unwrapUnion).sort((a, b) => a.path.length - b.path.length);
  for (const issue of sorted) {
    const path = issue.path.map(String);
    if (issue.code !== "unrecognized_keys") addError(errors, path, toFieldError(issue, value));
    else {
      const unknown = unknownFields(issue.keys, namesAt(schema, path));
      for (const [name, error] of Object.entries(unknown)) addError(errors, [...path, name], error);
    }
  }
  return errors;
}

/** Replaces the issue of a union by the issues of the option that has the value's type. */
function unwrapUnion(issue: Issue): Issue[] {
  if (issue.code !== "invalid_union") return [issue];
  const option = issue.errors.find((issues) => !issues.some(isOfWholeType));
  if (option === undefined) return [issue];
  return option
    .flatMap(unwrapUnion)
    .map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

function isOfWholeType({ code, path }: Issue): boolean {
  return code === "invalid_type" && path.length === 0;
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

function toFieldError(issue: Issue, value: unknown): FieldError {
  switch (issue.code) {
    case "invalid_union":
    case "invalid_type": {
      const found = valueAt(value, issue.path);
      if (found === undefined || found === null) return BLANK;
      const types = expectedTypes(issue).map(withArticle);
      return { code: "validation_invalid_type", message: `Must be ${types.join(" or ")}.` };
    }
    case "too_small":
      return BLANK;
    case "too_big":
      return {
        code: "validation_length_too_long",
        message: `The length must be no more than ${issue.maximum}.`,
      };
    case "invalid_value":
      return {
        code: "validation_in_invalid",
        message: `Must be one of: ${issue.values.join(", ")}.`,
      };
    default:
      return { code: "validation_match_invalid", message: issue.message };
  }
}

/** The types that an issue expects: one, or those of a union's options. */
function expectedTypes(issue: Issue): string[] {
  if (issue.code === "invalid_union") return issue.errors.flat().flatMap(expectedTypes);
  return issue.code === "invalid_type" ? [issue.expected] : [];
}

function withArticle(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let inner = value;
  for (const name of path) inner = inner == null ? undefined : Reflect.get(Object(inner), name);
  return inner;
}
