/** Objects and words in the schemas of requests. */
import * as v from "valibot";
import { isObject } from "../../realtime/is-object.ts";

/**
 * Prepares an object for Valibot. Valibot would take a list for an object, and would report a missing field without the field's own
 * error.
 */
function prepare(entries: v.ObjectEntries) {
  const missing = Object.fromEntries(Object.keys(entries).map((name) => [name, undefined]));
  return v.transform((input: unknown): unknown =>
    isObject(input) ? { ...missing, ...input } : undefined,
  );
}

/** An object. Fields that `entries` does not have are left out of the result. */
export function object<const T extends v.ObjectEntries>(entries: T) {
  return v.pipe(v.unknown(), prepare(entries), v.object(entries));
}

/** An object with no fields besides `entries`. */
export function strictObject<const T extends v.ObjectEntries>(entries: T) {
  return v.pipe(v.unknown(), prepare(entries), v.strictObject(entries));
}

/** One of a few words. */
export function oneOf<const T extends readonly string[]>(words: T) {
  return v.picklist(words, `Must be one of: ${words.join(", ")}.`);
}

/** What can be read of a schema, or of an action in a `pipe`, without knowing its type. */
export interface SchemaPart {
  readonly kind: string;
  readonly type: string;
  readonly pipe?: readonly SchemaPart[];
  /** The fields of an object. */
  readonly entries?: Readonly<Record<string, SchemaPart>>;
  /** The schema of a list's items. */
  readonly item?: SchemaPart;
  /** The schema of a value that may be left out. */
  readonly wrapped?: SchemaPart;
  /** The schemas of a union, or the words of `oneOf`. */
  readonly options?: readonly (SchemaPart | string)[];
  /** The limit of a length. */
  readonly requirement?: unknown;
}

/** The schema that decides about the type of a value: the last one of a `pipe`. */
export function mainSchema(schema: SchemaPart): SchemaPart {
  const last = schema.pipe?.findLast(({ kind }) => kind === "schema");
  return last === undefined ? schema : mainSchema(last);
}
