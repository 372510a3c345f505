import type { FieldType } from "../../src/realtime/records/collection.ts";

/** A record and all that a filter can ask about it. */
export interface Situation {
  readonly record: Readonly<Record<string, unknown>>;
  /** Declared types. The others are guessed from the values. */
  readonly schema?: Readonly<Record<string, FieldType>> | undefined;
  /** `rule`: the filter is a rule of the collection. Default: a client's filter. */
  readonly mode?: "client" | "rule" | undefined;
  readonly collectionType?: "base" | "auth" | undefined;
  readonly hidden?: readonly string[] | undefined;
  /** The record of the signed-in user. Default: a guest. */
  readonly auth?: Readonly<Record<string, unknown>> | undefined;
  /** Options of the subscription. */
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The time of the macros, in ISO 8601. */
  readonly now?: string | undefined;
}

/** A filter and its right answer. The files of `test/cases/records/` contain lists of them. */
export interface FilterCase extends Situation {
  readonly group: string;
  readonly filter: string;
  /** "error": the filter is invalid. */
  readonly expect: boolean | "error";
  /** The version of PocketBase's grammar that the case is about, where versions differ. */
  readonly fexpr?: "0.5" | "0.6" | undefined;
  readonly note?: string | undefined;
}
