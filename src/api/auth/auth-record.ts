/** The record of a user: the fields of `@request.auth` in rules (PocketBase: core/record_field_resolver.go). */
import { isObject } from "../../realtime/is-object.ts";
import { MAX_INFO } from "../../realtime/presence/presence.ts";
import { MAX_AUTH_RECORD } from "../../realtime/types.ts";
import type { Bytes } from "../../realtime/units.ts";

/** A JSON object. */
export type AuthRecord = Readonly<Record<string, unknown>>;

/**
 * Checks the record of a user, and adds the subject as the `id` if the record has none.
 *
 * @param createError Creates the error to throw for a value that is not an object, or that has more than `MAX_AUTH_RECORD`
 *   bytes as JSON with its `id`. `problem` completes a sentence that begins with the record's name.
 */
export function completeRecord(
  value: unknown,
  subject: string,
  createError: (problem: string) => Error,
): AuthRecord {
  if (!isObject(value)) throw createError("is not a JSON object");
  return checkSize({ ...value, id: value.id ?? subject }, MAX_AUTH_RECORD, createError);
}

/** Checks that a value is an object of at most `max` bytes as JSON. `createError` is as for `completeRecord`. */
export function checkSize(
  value: unknown,
  max: Bytes,
  createError: (problem: string) => Error,
): AuthRecord {
  if (!isObject(value)) throw createError("is not a JSON object");
  const { length } = new TextEncoder().encode(JSON.stringify(value));
  if (length <= max) return value;
  throw createError(`has ${length} bytes as JSON, and at most ${max} are allowed`);
}

/**
 * Checks the record that an app's `authenticate` has returned, as `completeRecord` does. The result is a copy of what the record
 * is as JSON, so that it is the same on every runtime, and later changes to the app's object have no effect.
 *
 * @throws Error when the record can't be kept.
 */
export function copyRecord(record: AuthRecord, subject: string): AuthRecord {
  return completeRecord(copyJSON(record, "record"), subject, errorFor("record"));
}

/** Checks and copies the info that an app's `authenticate` has returned, as `copyRecord` does. */
export function copyInfo(info: AuthRecord): AuthRecord {
  return checkSize(copyJSON(info, "info"), MAX_INFO, errorFor("info"));
}

function copyJSON(value: AuthRecord, name: string): unknown {
  try {
    return JSON.parse(JSON.stringify(value));
  } catch (cause) {
    throw new Error(`The ${name} of an identity can't be written as JSON.`, { cause });
  }
}

function errorFor(name: string): (problem: string) => Error {
  return (problem) => new Error(`The ${name} of an identity ${problem}.`);
}
