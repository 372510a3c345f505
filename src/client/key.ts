import type { SubscribeOptions } from "./types.ts";

/** Options of a subscription key (docs/protocol.md, "Which options does a subscription have?"). */
export type KeyOptions = Omit<SubscribeOptions, "presence">;

/** The options that are part of a key. */
const NAMES = ["last", "filter", "fields", "actions", "changed", "leave"] as const;

/**
 * Returns the subscription key of a topic with options.
 *
 * @param variant Number that makes the key differ from a key with the same topic and options. Default 0: no variant.
 * @example keyOf("chat", { last: 20 }); // chat?options=%7B%22query%22%3A%7B%22last%22%3A20%7D%7D
 */
export function keyOf(topic: string, options: KeyOptions = {}, variant = 0): string {
  const query: Record<string, unknown> = {};
  for (const name of NAMES) {
    if (options[name] !== undefined) query[name] = options[name];
  }
  if (variant > 0) query.variant = variant;
  if (Object.keys(query).length === 0) return topic;
  const separator = topic.includes("?") ? "&" : "?";
  return `${topic}${separator}options=${encodeURIComponent(JSON.stringify({ query }))}`;
}

/** Returns the topic of a key. */
export function topicOf(key: string): string {
  return key.split(/[?&]options=/)[0] ?? key;
}

/** @throws TypeError for an option that does not exist, so that a misspelt option is not ignored. */
export function checkOptions(what: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new TypeError(`${what}: unknown option "${name}". Known: ${known.join(", ")}.`);
    }
  }
}
