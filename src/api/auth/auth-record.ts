/** The record of a user: the fields of `@request.auth` in rules (PocketBase: core/record_field_resolver.go). */
import { isObject } from "../../realtime/is-object.ts";
import { MAX_AUTH_RECORD } from "../../realtime/types.ts";

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
  const record = { ...value, id: value.id ?? subject };
  const { length } = new TextEncoder().encode(JSON.stringify(record));
  if (length <= MAX_AUTH_RECORD) return record;
  throw createError(`has ${length} bytes as JSON, and at most ${MAX_AUTH_RECORD} are allowed`);
}

/**
 * Checks the record that an app's `authenticate` has returned, as `completeRecord` does. The result is a copy of what the record
 * is as JSON, so that it is the same on every runtime, and later changes to the app's object have no effect.
 *
 * @throws Error when the record can't be kept.
 */
export function copyRecord(record: AuthRecord, subject: string): AuthRecord {
  let copy: unknown;
  try {
    copy = JSON.parse(JSON.stringify(record));
  } catch (cause) {
    throw new Error("The record of an identity can't be written as JSON.", { cause });
  }
  const createError = (problem: string) => new Error(`The record of an identity ${problem}.`);
  return completeRecord(copy, subject, createError);
}
