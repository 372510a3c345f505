import { filterError } from "./filter-error.ts";

/** A modifier after a name: `tags:each`. */
export type Modifier = "each" | "length" | "lower" | "isset" | "changed";

const MODIFIERS: ReadonlySet<string> = new Set<Modifier>([
  "each",
  "length",
  "lower",
  "isset",
  "changed",
]);

/** The name of a field or of a value in the request. */
export interface FieldName {
  /** The whole name, as the filter has it. */
  readonly text: string;
  readonly position: number;
  /** Dotted parts, without the modifier. For a value of the request, without `@request` and the source (`auth`). */
  readonly path: readonly string[];
  readonly modifier: Modifier | undefined;
  /**
   * The last part with the modifier, but without the colon. In a path into a JSON field, PocketBase reads a modifier as a part
   * of the key.
   */
  readonly lastWithModifier: string;
}

/** The sources of `@request.*` that have named values. */
export type RequestSource = "auth" | "query" | "headers" | "body";

/** What a name in a filter stands for. */
export type Name =
  | { readonly kind: "field"; readonly field: FieldName }
  | { readonly kind: "request"; readonly source: RequestSource; readonly field: FieldName }
  /** `@request.context` and `@request.method`. */
  | { readonly kind: "constant"; readonly value: string }
  | { readonly kind: "macro"; readonly name: string };

/** `@request.context` and `@request.method` of a realtime subscription (PocketBase, apis/realtime.go). */
const CONSTANTS = new Map([
  ["@request.context", "realtime"],
  ["@request.method", "GET"],
]);

/**
 * Finds out what a name stands for.
 *
 * @param isMacro Whether a name is a macro, such as `@now`.
 * @throws RealtimeError `invalid_filter` for a name that no record can have, and for a name that needs a database.
 */
export function parseName(
  text: string,
  position: number,
  isMacro: (name: string) => boolean,
): Name {
  if (isMacro(text)) return { kind: "macro", name: text };
  const constant = CONSTANTS.get(text);
  if (constant !== undefined) return { kind: "constant", value: constant };
  const [, source, rest] = /^@request\.(auth|query|headers|body)\.(.+)$/.exec(text) ?? [];
  if (source !== undefined && rest !== undefined) {
    const field = parseField(rest, text, position);
    checkRequestModifier(source, field);
    // The expression above matches only these sources.
    return { kind: "request", source: source as RequestSource, field };
  }
  if (/^(?:@collection\.|\w+_via_\w+\.)/.test(text)) {
    throw filterError(
      `"${text}" needs a query of other records, and this service has no database.`,
      position,
    );
  }
  if (!/^\w/.test(text)) throw filterError(`"${text}" is unknown.`, position);
  return { kind: "field", field: parseField(text, text, position) };
}

function parseField(name: string, text: string, position: number): FieldName {
  const parts = name.split(".");
  const last = parts.pop() ?? "";
  const [lastName = "", modifier, ...more] = last.split(":");
  const path = [...parts, lastName];
  if (path.some((part) => !/^\w+$/.test(part))) {
    throw filterError(`"${text}" is not a field name.`, position);
  }
  const lastWithModifier = last.replaceAll(":", "");
  if (modifier === undefined) return { text, position, path, modifier, lastWithModifier };
  if (path.length === 1 && more.length > 0) {
    throw filterError(`"${text}" has more than one modifier.`, position);
  }
  if (!MODIFIERS.has(modifier) || more.length > 0) {
    if (path.length === 1) throw filterError(`":${modifier}" is not a modifier.`, position);
    // Whether this is a key of a JSON field is known when there is a record.
    return { text, position, path, modifier: undefined, lastWithModifier };
  }
  // Checked above.
  return { text, position, path, modifier: modifier as Modifier, lastWithModifier };
}

function checkRequestModifier(source: string, { modifier, text, position }: FieldName): void {
  if (modifier === undefined || source === "auth" || source === "body") return;
  if (modifier === "isset" || modifier === "lower") return;
  throw filterError(`"${text}" can only have the modifier :isset or :lower.`, position);
}
