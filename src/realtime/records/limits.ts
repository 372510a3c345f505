/**
 * Maximum length of a filter or rule, in UTF-16 code units. A filter in a subscription key must be shorter, because a key has a
 * limit of its own (`maxTopicLength`, 2,500 by default).
 */
export const MAX_FILTER_LENGTH = 10_000;

/** Maximum number of comparisons in a filter, as in PocketBase (tools/search/filter.go, `DefaultFilterExprLimit`). */
export const MAX_COMPARISONS = 200;

/** Maximum number of brackets that are open at one position of a filter. */
export const MAX_DEPTH = 200;

/** Maximum number of function calls within each other. */
export const MAX_CALL_DEPTH = 3;

/** Characters of long texts that count as one step of an evaluation. */
export const CHARACTERS_PER_STEP = 64;

/**
 * Maximum number of steps of one evaluation. A step is a comparison, or 64 characters that a comparison reads. A filter with
 * several `:each` lists is evaluated for every combination of their elements, so the steps must have a limit.
 */
export const MAX_STEPS = 50_000;

/** Maximum number of collections with rules. */
export const MAX_RULES = 1000;

/** Maximum number of fields in the description of a collection, and of fields that it hides. */
export const MAX_COLLECTION_FIELDS = 200;

/** Maximum length of a name or id in rules, in UTF-16 code units. An event's collection has the same limit. */
export const MAX_COLLECTION_NAME = 255;
