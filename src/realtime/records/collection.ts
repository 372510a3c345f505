/** The names of PocketBase's field types (core/field_*.go). With `[]`, such as `select[]`: a field with several values. */
export const FIELD_TYPES = [
  "text",
  "number",
  "bool",
  "date",
  "autodate",
  "email",
  "url",
  "editor",
  "select",
  "select[]",
  "file",
  "file[]",
  "relation",
  "relation[]",
  "json",
  "geoPoint",
] as const;

/** The type of a record's field. */
export type FieldType = (typeof FIELD_TYPES)[number];

/** What filters and rules must know about a collection. */
export interface Collection {
  /** The name of the collection. */
  readonly name?: string | undefined;
  /** The id of the collection. */
  readonly id?: string | undefined;
  /** `auth` for a collection of users. Its records have an email that may be invisible. Default "base". */
  readonly type?: "base" | "auth" | undefined;
  /**
   * The types of fields. The type of another field is guessed from its value: a string is `text`, a number `number`, a boolean
   * `bool`, a list of strings `select[]`, and any other value `json`. Declare a relation, a field that may be missing from a
   * record, and a JSON field that may contain a string, a number or a list of strings.
   */
  readonly fields?: Readonly<Record<string, FieldType>> | undefined;
  /** Fields that only administrators receive and may filter by. Rules may use them. */
  readonly hidden?: readonly string[] | undefined;
}

/** A collection as an event names it: its name or id, or a description. */
export type CollectionInput = string | (Collection & { readonly name: string });

/** Access rules of one collection, as in PocketBase. */
export interface CollectionRules extends Collection {
  /**
   * Decides which records reach subscriptions to the collection (`posts/*` and `posts`). Null: administrators only. "":
   * everyone. Otherwise an expression of PocketBase's rule language. Default: everyone, but null if `viewRule` is given.
   */
  readonly listRule?: string | null | undefined;
  /** As `listRule`, for subscriptions to one record (`posts/RECORD_ID`). The default depends on `listRule` in the same way. */
  readonly viewRule?: string | null | undefined;
  /** In an `auth` collection: who sees every email. Null or absent: only administrators. */
  readonly manageRule?: string | null | undefined;
}

/** A record: its fields by name. */
export type RecordData = Readonly<Record<string, unknown>>;

/**
 * The properties of a record event that its data does not contain: the collection, and the record before an update. A message
 * carries them as JSON text (`Message.change`).
 */
export interface RecordChange {
  readonly collection: Collection & { readonly name: string };
  /** The record before an update. */
  readonly previous?: RecordData | undefined;
}

/** Fields of a user that no client receives (PocketBase, core/field_password.go and core/record_model_auth.go). */
export const SECRET_AUTH_FIELDS: readonly string[] = ["password", "tokenKey"];

/** Whether only administrators may filter by a field. */
export function isHiddenField({ type, hidden }: Collection, field: string): boolean {
  return (
    hidden?.includes(field) === true || (type === "auth" && SECRET_AUTH_FIELDS.includes(field))
  );
}
