import type * as z from "zod/mini";
import { type FieldError, type FieldErrors, RealtimeError } from "../realtime/errors.ts";

type Issue = z.core.$ZodIssue;

/**
 * Checks what came from outside.
 *
 * @throws RealtimeError `invalid_input` with every fault by field, in PocketBase's codes
 *   (ozzo-validation: `validation_required`, `validation_length_too_long`, ...).
 */
export function validate<T>(schema: z.ZodMiniType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidInput(fieldErrors(result.error.issues, value));
}

/** The faults of `value`, or undefined when there are none: for lists that report them by index. */
export function findFaults(schema: z.ZodMiniType, value: unknown): FieldErrors | undefined {
  const result = schema.safeParse(value);
  return result.success ? undefined : fieldErrors(result.error.issues, value);
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

function fieldErrors(issues: readonly Issue[], value: unknown): FieldErrors {
  const errors: Record<string, FieldError | FieldErrors> = {};
  // A fault of a whole list is told before, and instead of, those of its items.
  for (const issue of issues.toSorted((a, b) => a.path.length - b.path.length)) {
    place(errors, issue.path.map(String), toFieldError(issue, value));
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
