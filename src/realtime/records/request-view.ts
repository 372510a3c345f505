import { toText } from "../subscriptions/subscription-key.ts";
import type { RecordData } from "./collection.ts";
import { filterError } from "./filter-error.ts";
import type { FieldName, RequestSource } from "./names.ts";
import {
  booleanOperand,
  columnOperand,
  elementsOperand,
  NULL_OPERAND,
  type Operand,
  parameterOperand,
} from "./operand.ts";
import { canBeMultiple, fieldOperand, guessType, type RecordView } from "./record-view.ts";
import { lowerASCII, numberFrom, textOf, valueOfJSON } from "./values.ts";

/** The values of `@request.*`, the clock, and the rights of the subscriber. */
export interface FilterContext {
  /** The user's record (`@request.auth.*`). Undefined or null for a guest. */
  readonly auth?: RecordData | null | undefined;
  /** The query parameters of the subscription's options (`@request.query.*`). Default: none. */
  readonly query?: Readonly<Record<string, unknown>> | undefined;
  /** The headers of the subscription's options, with names in snake case (`@request.headers.*`). Default: none. */
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  /** The time for `@now` and the other macros: milliseconds since 1970, a date, or an ISO 8601 text. Default: now. */
  readonly now?: number | Date | string | undefined;
  /** Whether the subscriber is an administrator. Every rule then holds, and a filter may name hidden fields. Default false. */
  readonly isAdmin?: boolean | undefined;
}

/** Fields of a user that PocketBase reads from the request, and not from the database. */
const STATIC_AUTH_FIELDS: ReadonlySet<string> = new Set([
  "id",
  "collectionId",
  "collectionName",
  "email",
  "emailVisibility",
  "verified",
]);

/**
 * Returns the operand of a value of the request (PocketBase, core/record_field_resolver_runner.go, `run`).
 *
 * @throws RealtimeError `invalid_filter`.
 */
export function requestOperand(
  source: RequestSource,
  field: FieldName,
  context: FilterContext,
  view: RecordView,
): Operand {
  if (source === "auth") return authOperand(field, context.auth ?? {});
  if (source === "body") return bodyOperand(field, view);
  const { path, modifier } = field;
  const [name = ""] = path;
  const values = context[source] ?? {};
  const isKnown = path.length === 1 && Object.hasOwn(values, name);
  if (modifier === "isset") return booleanOperand(isKnown);
  if (!isKnown) return NULL_OPERAND;
  const text = toText(values[name]);
  // A value with the name of a number field is read as a number, if it is one.
  const number = view.typeOf(name) === "number" ? numberFrom(text) : undefined;
  if (number !== undefined) return { ...parameterOperand(number), isReal: true };
  return parameterOperand(modifier === "lower" ? lowerASCII(text) : text);
}

function authOperand(field: FieldName, auth: RecordData): Operand {
  const { path, modifier } = field;
  const [name = ""] = path;
  const value = Object.hasOwn(auth, name) ? auth[name] : undefined;
  if (path.length === 1 && STATIC_AUTH_FIELDS.has(name)) {
    const plain = valueOfJSON(value);
    if (modifier === "lower") {
      const text = textOf(plain, false);
      return parameterOperand(text === null ? null : lowerASCII(text));
    }
    return parameterOperand(plain, typeof value === "boolean" ? String(value) : undefined);
  }
  if (value === undefined || value === null) {
    return modifier === "each" ? elementsOperand([]) : columnOperand(null);
  }
  const type = guessType(value);
  if (path.length === 1 || type === "json") return fieldOperand(field, type, value);
  // PocketBase would join the collection of a relation. Only the id of the other record is known here.
  if (path.length !== 2 || path[1] !== "id") return columnOperand(null);
  return fieldOperand(field, type === "select[]" ? "relation[]" : "relation", value);
}

/** The body of a realtime request is empty. `:changed`, `:each` and `:length` need a field of the collection. */
function bodyOperand({ path, modifier, text, position }: FieldName, view: RecordView): Operand {
  if (modifier === "isset") return booleanOperand(false);
  if (modifier === undefined || modifier === "lower") return NULL_OPERAND;
  const type = path.length === 1 ? view.typeOf(path[0] ?? "") : undefined;
  if (modifier === "changed" && type !== undefined) return booleanOperand(false);
  if (type === undefined || !canBeMultiple(type)) {
    throw filterError(`"${text}" does not name a field with a list.`, position);
  }
  return modifier === "each" ? elementsOperand([]) : columnOperand(0);
}
