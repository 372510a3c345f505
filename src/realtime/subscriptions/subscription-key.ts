import { isObject } from "../is-object.ts";
import { MAX_LAST } from "../types.ts";

/** Query parameters of a subscription that change what it receives. */
export const RECORD_OPTIONS: ReadonlySet<string> = new Set([
  "filter",
  "fields",
  "actions",
  "changed",
  "leave",
  "envelope",
]);

/** The options of a subscription key, normalised as in PocketBase (tools/subscriptions/client.go, `Subscribe`). */
export interface SubscriptionOptions {
  /** Query parameters. Every value is a string. */
  readonly query: Readonly<Record<string, string>>;
  /** Headers with names in snake case (`X-Token` becomes `x_token`). Every value is a string. */
  readonly headers: Readonly<Record<string, string>>;
  /** Number of newest messages that the subscription starts with, 1 to `MAX_LAST`. PocketBase does not have this option. */
  readonly last?: number | undefined;
  /** Names of the query parameters with a list or an object as value, which count as "". Undefined if there are none. */
  readonly structured?: readonly string[] | undefined;
  /**
   * Whether the options are not a JSON object, or have one of `RECORD_OPTIONS` beside `query`. They then count as empty.
   */
  readonly isMalformed?: boolean | undefined;
}

/** A parsed subscription key. */
export interface SubscriptionKey {
  /** The whole key as the client sent it, or its `envelopeKey`. */
  readonly key: string;
  /** The key without its options: a topic, `prefix/*` or `*`. */
  readonly topic: string;
  readonly options: SubscriptionOptions;
}

/**
 * Splits a subscription key into topic and options. If the key has no options, the whole key is the topic.
 *
 * Malformed options count as empty (`SubscriptionOptions.isMalformed`). The service refuses a subscription with malformed
 * options, because they may have contained a filter.
 *
 * @example
 * parseSubscription('posts/*?options={"query":{"a":1}}');
 * // { topic: "posts/*", options: { query: { a: "1" }, headers: {} }, … }
 */
export function parseSubscription(key: string): SubscriptionKey {
  const split = splitOptions(key);
  if (split === undefined) return { key, topic: eventNameOf(key), options: NO_OPTIONS };
  return { key, topic: split.topic, options: parseOptions(split.options) };
}

/**
 * Returns the topics of all subscriptions that match a message to `topic`: `topic` itself, `prefix/*` for each of its
 * prefixes, and `*`.
 *
 * @example
 * matchingTopics("a/b/c"); // ["*", "a/*", "a/b/*", "a/b/c"]
 */
export function matchingTopics(topic: string): string[] {
  const matches = ["*"];
  for (let slash = topic.indexOf("/"); slash !== -1; slash = topic.indexOf("/", slash + 1)) {
    matches.push(`${topic.slice(0, slash)}/*`);
  }
  // A message to the literal topic `a/*` must not match twice.
  if (!matches.includes(topic)) matches.push(topic);
  return matches;
}

/** Returns the topic of a subscription key. Faster than `parseSubscription`, because the options are not parsed. */
export function topicOf(key: string): string {
  return splitOptions(key)?.topic ?? eventNameOf(key);
}

/** The last character of an `envelopeKey`. A client can't send it, because a key has no line break. */
const ENVELOPE_MARK = "\n";

/**
 * Returns the internal key for a key of a client that connected with `StreamOptions.envelope`. Subscriptions with and without
 * envelopes have different keys, and therefore different frames.
 */
export function envelopeKey(key: string): string {
  return key + ENVELOPE_MARK;
}

/** Whether a key is the result of `envelopeKey`. */
export function isEnvelopeKey(key: string): boolean {
  return key.endsWith(ENVELOPE_MARK);
}

/** Returns the key as the client sent it, which is the event name of its deliveries. */
export function eventNameOf(key: string): string {
  return isEnvelopeKey(key) ? key.slice(0, -ENVELOPE_MARK.length) : key;
}

/**
 * Matches every key with options that may change what it receives. Also matches a letter of an option's name that is URI-encoded
 * or escaped in JSON. Testing a key takes less time than parsing its options.
 */
const MAY_SELECT = /filter|fields|actions|changed|leave|envelope|%[46]|%7[02-46]|\\|%5c/i;

/** Whether the options of a key may change what its subscription receives. Also true for every `envelopeKey`. */
export function maySelect(key: string): boolean {
  return (key.includes("?") && MAY_SELECT.test(key)) || isEnvelopeKey(key);
}

const NO_OPTIONS: SubscriptionOptions = { query: {}, headers: {} };
const MALFORMED_OPTIONS: SubscriptionOptions = { ...NO_OPTIONS, isMalformed: true };

function splitOptions(internalKey: string): { topic: string; options: string } | undefined {
  const start = internalKey.indexOf("?");
  if (start === -1 || !internalKey.includes("options=", start)) return undefined;
  const key = eventNameOf(internalKey);
  const parameters = key.slice(start + 1).split("&");
  const index = parameters.findIndex((parameter) => parameter.startsWith("options="));
  const options = parameters[index];
  if (options === undefined) return undefined;
  // PocketBase's SDK appends the options with "&" to a topic that contains a "?".
  const rest = parameters.toSpliced(index, 1).join("&");
  const topic = key.slice(0, start) + (rest === "" ? "" : `?${rest}`);
  return { topic, options: options.slice("options=".length) };
}

function parseOptions(encoded: string): SubscriptionOptions {
  if (encoded === "") return NO_OPTIONS;
  // A text that can't be a JSON object is skipped: an exception of JSON.parse takes longer than the rest of this function.
  if (!/^[\s+%{]/.test(encoded)) return MALFORMED_OPTIONS;
  let parsed: unknown;
  try {
    parsed = JSON.parse(decodeURIComponent(encoded.replaceAll("+", " ")));
  } catch {
    return MALFORMED_OPTIONS;
  }
  // An option beside `query` would be ignored, and the subscription would have no filter.
  if (!isObject(parsed) || Object.keys(parsed).some((name) => RECORD_OPTIONS.has(name))) {
    return MALFORMED_OPTIONS;
  }
  const query = stringValues(parsed.query, (name) => name);
  const structured = isObject(parsed.query) ? structuredNames(parsed.query) : [];
  return {
    query,
    structured: structured.length === 0 ? undefined : structured,
    headers: stringValues(parsed.headers, snakeCase),
    // PocketBase's SDK moves options that it does not know into the query.
    last: readLast(toText(parsed.last) || (query.last ?? "")),
  };
}

function structuredNames(query: Record<string, unknown>): string[] {
  return Object.keys(query).filter(
    (name) => typeof query[name] === "object" && query[name] !== null,
  );
}

function readLast(text: string): number | undefined {
  return /^\d+$/.test(text) ? Math.min(Number(text), MAX_LAST) || undefined : undefined;
}

function stringValues(
  values: unknown,
  rename: (name: string) => string,
): Readonly<Record<string, string>> {
  if (!isObject(values)) return {};
  // Object.fromEntries defines own properties, so the name `__proto__` does not set a prototype.
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [rename(name), toText(value)]),
  );
}

/** Converts as Go's cast.ToString: the text of a string, number or boolean, and "" for other values. */
export function toText(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** Converts as PocketBase's `inflector.Snakecase`: `X-Token` becomes `x_token`, `myTestDB` becomes `my_test_db`. */
function snakeCase(name: string): string {
  return name
    .split(/[\W_]+/)
    .filter((word) => word !== "")
    .map((word) => word.replace(/(?<=[^A-Z])(?=[A-Z])/g, "_"))
    .join("_")
    .toLowerCase();
}
