import type { SubscribeOptions } from "./types.ts";

/** Options of a subscription key (docs/protocol.md, "Which options does a subscription have?"). */
export type KeyOptions = Omit<SubscribeOptions, "presence">;

/**
 * Returns the subscription key of a topic with options.
 *
 * @param variant Number that makes the key differ from a key with the same topic and options. Default 0: no variant.
 * @example keyOf("chat", { last: 20 }); // chat?options=%7B%22query%22%3A%7B%22last%22%3A20%7D%7D
 */
export function keyOf(topic: string, options: KeyOptions = {}, variant = 0): string {
  // `JSON.stringify` leaves out options that are undefined.
  const json = JSON.stringify({ query: { ...options, variant: variant || undefined } });
  if (json === '{"query":{}}') return topic;
  return `${topic}${topic.includes("?") ? "&" : "?"}options=${encodeURIComponent(json)}`;
}

/** @throws TypeError for a name that does not exist, so that a misspelt option is not ignored. */
export function checkNames(what: string, names: object, known: readonly string[]): void {
  for (const name of Object.keys(names)) {
    if (!known.includes(name)) {
      throw new TypeError(`${what}: "${name}" is unknown. Known: ${known.join(", ")}.`);
    }
  }
}
