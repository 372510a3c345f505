/** Checks access rules, which may come from JSON. An unknown property is refused, because it may be a misspelt rule. */
import { RealtimeError } from "../errors.ts";
import { isObject } from "../is-object.ts";
import { nearestName } from "../nearest-name.ts";
import { type CollectionRules, FIELD_TYPES } from "./collection.ts";
import { MAX_COLLECTION_FIELDS, MAX_COLLECTION_NAME, MAX_RULES } from "./limits.ts";

/** The name of the entry with the rules of all collections without an entry of their own. */
export const ALL_OTHERS = "*";

/** Returns the end of the error that begins with "The <property> of the collection <name>". Undefined if the value is valid. */
type Check = (value: unknown) => string | undefined;

const checkRule: Check = (value) =>
  typeof value === "string" || value === null
    ? undefined
    : 'must be text or null: null is for administrators only, "" is for everyone';

const checkName: Check = (value) =>
  isName(value) && value !== ALL_OTHERS ? undefined : 'must be a name or an id, and not "*"';

/** Each property of an entry. The type `Record` makes the compiler report a property that is missing here. */
const PROPERTIES: Readonly<Record<keyof CollectionRules, Check>> = {
  name: checkName,
  id: checkName,
  type: (value) => (value === "base" || value === "auth" ? undefined : "must be base or auth"),
  fields: (value) => {
    if (!isObject(value)) return "must be an object with the type of each field";
    const types = Object.entries(value);
    if (types.length > MAX_COLLECTION_FIELDS) return tooMany("fields");
    const wrong = types.find(([, type]) => !FIELD_TYPES.some((known) => known === type));
    return (
      wrong && `must have one of these types for ${quote(wrong[0])}: ${FIELD_TYPES.join(", ")}`
    );
  },
  hidden: (value) => {
    if (!Array.isArray(value) || !value.every(isName)) return "must be a list of names of fields";
    return value.length > MAX_COLLECTION_FIELDS ? tooMany("names") : undefined;
  },
  listRule: checkRule,
  viewRule: checkRule,
  manageRule: checkRule,
};

/**
 * Checks the shape of rules: at most 1,000 collections, and known properties with values of the right type. A property that is
 * undefined counts as absent. The rules themselves are not compiled.
 *
 * @throws RealtimeError `invalid_config` naming the collection and the property, for the first fault.
 */
export function checkRules(
  rules: unknown,
): asserts rules is Readonly<Record<string, CollectionRules>> {
  if (!isObject(rules))
    throw invalidRules("The rules must be an object with an entry for each collection.");
  const entries = Object.entries(rules);
  if (entries.length > MAX_RULES) {
    throw invalidRules(`There are rules for more than ${MAX_RULES} collections. Remove some.`);
  }
  for (const [collection, entry] of entries) checkEntry(collection, entry);
}

function checkEntry(collection: string, entry: unknown): void {
  const subject = `the collection ${quote(collection)}`;
  if (!isName(collection)) {
    throw invalidRules(`The name of ${subject} must have 1 to ${MAX_COLLECTION_NAME} characters.`);
  }
  if (!isObject(entry)) {
    throw invalidRules(`The rules of ${subject} must be an object, such as {"listRule":""}.`);
  }
  for (const [property, value] of Object.entries(entry)) {
    const check = Object.entries(PROPERTIES).find(([known]) => known === property)?.[1];
    if (check === undefined) {
      const nearest = nearestName(property, Object.keys(PROPERTIES));
      const hint = nearest === undefined ? "Remove it." : `Did you mean "${nearest}"?`;
      throw invalidRules(
        `There is no property ${quote(property)} in the rules of ${subject}. ${hint}`,
      );
    }
    const isForbidden = collection === ALL_OTHERS && (property === "name" || property === "id");
    const fault = isForbidden ? "must be absent" : value !== undefined && check(value);
    if (fault) throw invalidRules(`The ${property} of ${subject} ${fault}.`);
  }
}

function tooMany(what: string): string {
  return `must have at most ${MAX_COLLECTION_FIELDS} ${what}`;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_COLLECTION_NAME;
}

/** The start of a name, for an error. */
function quote(name: string): string {
  return JSON.stringify(name.slice(0, MAX_COLLECTION_NAME));
}

/** Creates the error for rules that can't be used. */
export function invalidRules(message: string): RealtimeError {
  return new RealtimeError("invalid_config", message);
}
