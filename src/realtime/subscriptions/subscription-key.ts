import { MAX_LAST, type SubscriptionKey, type SubscriptionOptions } from "../types.ts";

/**
 * Takes a subscription key apart: `posts/*?options={"query":{"a":1}}` is the topic `posts/*` and its options.
 * A key without `options` is a topic as it stands, whatever else is in it.
 *
 * Imitates PocketBase tools/subscriptions/client.go, `Subscribe`: broken options are ignored, never an error.
 */
export function parseSubscription(key: string): SubscriptionKey {
  const split = splitOptions(key);
  if (split === undefined) return { key, topic: key, options: NO_OPTIONS };
  return { key, topic: split.topic, options: parseOptions(split.options) };
}

/**
 * Every subscription topic that a publish to `topic` reaches: itself, `prefix/*` for each of its prefixes,
 * and `*`. As many as the topic has levels, however many subscriptions there are.
 */
export function matchingTopics(topic: string): string[] {
  const matches = ["*"];
  for (let at = topic.indexOf("/"); at !== -1; at = topic.indexOf("/", at + 1)) {
    matches.push(`${topic.slice(0, at)}/*`);
  }
  // A publish to the literal topic `a/*` must not count twice.
  if (!matches.includes(topic)) matches.push(topic);
  return matches;
}

/** The topic of a key alone: its options are not read. */
export function topicOf(key: string): string {
  return splitOptions(key)?.topic ?? key;
}

const NO_OPTIONS: SubscriptionOptions = { query: {}, headers: {} };

function splitOptions(key: string): { topic: string; options: string } | undefined {
  const start = key.indexOf("?");
  if (start === -1 || !key.includes("options=", start)) return undefined;
  const parameters = key.slice(start + 1).split("&");
  const index = parameters.findIndex((parameter) => parameter.startsWith("options="));
  const options = parameters[index];
  if (options === undefined) return undefined;
  // The SDK appends with "&" to a topic that has a "?" of its own.
  const rest = parameters.toSpliced(index, 1).join("&");
  const topic = key.slice(0, start) + (rest === "" ? "" : `?${rest}`);
  return { topic, options: options.slice("options=".length) };
}

function parseOptions(encoded: string): SubscriptionOptions {
  // What can't begin an object is not read at all: an exception costs more than all the rest.
  if (!/^[\s+%{]/.test(encoded)) return NO_OPTIONS;
  let parsed: unknown;
  try {
    parsed = JSON.parse(decodeURIComponent(encoded.replaceAll("+", " ")));
  } catch {
    return NO_OPTIONS;
  }
  if (!isRecord(parsed)) return NO_OPTIONS;
  const query = stringValues(parsed.query, (name) => name);
  return {
    query,
    headers: stringValues(parsed.headers, snakeCase),
    // The SDK moves what it does not know into the query.
    last: readLast(toText(parsed.last) || (query.last ?? "")),
  };
}

function readLast(text: string): number | undefined {
  return /^\d+$/.test(text) ? Math.min(Number(text), MAX_LAST) || undefined : undefined;
}

function stringValues(
  values: unknown,
  rename: (name: string) => string,
): Readonly<Record<string, string>> {
  if (!isRecord(values)) return {};
  // fromEntries defines own properties, so a name like __proto__ stays a name.
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [rename(name), toText(value)]),
  );
}

/** As Go's cast.ToString: scalars by their text, everything else empty. */
function toText(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** As PocketBase tools/inflector, `Snakecase`: `X-Token` is `x_token`, `myTestDB` is `my_test_db`. */
function snakeCase(name: string): string {
  return name
    .split(/[\W_]+/)
    .filter((word) => word !== "")
    .map((word) => word.replace(/(?<=[^A-Z])(?=[A-Z])/g, "_"))
    .join("_")
    .toLowerCase();
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
