import type * as z from "zod/mini";
import { type FieldError, type FieldErrors, RealtimeError } from "../../realtime/errors.ts";
import { nearestName } from "./nearest-name.ts";

type Issue = z.core.$ZodIssue;

/** Unknown fields that one object is told of, and characters of a name that are repeated. */
const MAX_UNKNOWN = 10;
const MAX_SHOWN = 64;

/** The faults of fields that are not among the known ones. */
export function unknownFields(names: readonly string[], known: readonly string[]): FieldErrors {
  const faults: Record<string, FieldError> = Object.create(null);
  for (const name of names.slice(0, MAX_UNKNOWN)) {
    faults[name.slice(0, MAX_SHOWN)] = {
      code: "validation_unknown_field",
      message: `There is no such field here. ${suggestion(name, known)}`,
    };
  }
  return faults;
}

function suggestion(name: string, known: readonly string[]): string {
  const list = /^(.+)\[\d*\]$/.exec(name)?.[1];
  if (list !== undefined && known.includes(list)) {
    return `Write "${list}" without brackets, once for each value.`;
  }
  const nearest = nearestName(name, known);
  if (nearest !== undefined) return `Did you mean "${nearest}"?`;
  return known.length === 0 ? "Leave it out." : `The known fields are: ${known.join(", ")}.`;
}

/**
 * Checks what came from outside.
 *
 * @throws RealtimeError `invalid_input` with every fault by field, in PocketBase's codes
 *   (ozzo-validation: `validation_required`, `validation_length_too_long`, ...).
 */
export function validate<T>(schema: z.ZodMiniType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidInput(fieldErrors(result.error.issues, value, namesOf(schema)));
}

/** The faults of `value`, or undefined when there are none: for lists that report them by index. */
export function validateItem(schema: z.ZodMiniType, value: unknown): FieldErrors | undefined {
  const result = schema.safeParse(value);
  return result.success ? undefined : fieldErrors(result.error.issues, value, namesOf(schema));
}

/** An `invalid_input` error whose message says the first fault, for people who read only that. */
export function invalidInput(fields: FieldErrors): RealtimeError {
  const [path, message] = firstFault(fields, []);
  const text = path.length === 0 ? message : `${path.join(".")}: ${message}`;
  return new RealtimeError("invalid_input", `The request is not valid. ${text}`, { fields });
}

function firstFault(fields: FieldErrors, path: readonly string[]): [readonly string[], string] {
  for (const [name, fault] of Object.entries(fields)) {
    const at = [...path, name];
    return isFieldError(fault) ? [at, fault.message] : firstFault(fault, at);
  }
  return [path, "It breaks a rule."];
}

function isFieldError(fault: FieldError | FieldErrors): fault is FieldError {
  return typeof fault.code === "string";
}

/** The fields of an object's schema; none for other schemas. */
function namesOf(schema: z.ZodMiniType): string[] {
  const { shape } = schema as { readonly shape?: object };
  return Object.keys(shape ?? {});
}

function fieldErrors(
  issues: readonly Issue[],
  value: unknown,
  known: readonly string[],
): FieldErrors {
  const errors: Record<string, FieldError | FieldErrors> = Object.create(null);
  // A fault of a whole list is told before, and instead of, those of its items.
  for (const issue of issues.toSorted((a, b) => a.path.length - b.path.length)) {
    if (issue.code === "unrecognized_keys") {
      Object.assign(errors, unknownFields(issue.keys, known));
    } else place(errors, issue.path.map(String), toFieldError(issue, value));
  }
  return errors;
}

function place(
  errors: Record<string, FieldError | FieldErrors>,
  [name = "body", ...rest]: readonly string[],
  fault: FieldError,
): void {
  if (rest.length === 0) {
    errors[name] ??= fault;
    return;
  }
  errors[name] ??= {};
  const inner = errors[name] as Record<string, FieldError | FieldErrors>;
  if (!isFieldError(inner)) place(inner, rest, fault);
}

const BLANK: FieldError = { code: "validation_required", message: "Cannot be blank." };

function toFieldError(issue: Issue, value: unknown): FieldError {
  switch (issue.code) {
    case "invalid_type": {
      const found = valueAt(value, issue.path);
      if (found === undefined || found === null) return BLANK;
      return {
        code: "validation_invalid_type",
        message: `Must be ${withArticle(issue.expected)}.`,
      };
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

function withArticle(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, name) => (at as Record<PropertyKey, unknown> | undefined)?.[name],
    value,
  );
}
