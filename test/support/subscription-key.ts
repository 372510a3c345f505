/**
 * A topic with options, as the PocketBase SDK writes it.
 *
 * @param query For example `{ filter: "n > 1" }`.
 */
export function subscriptionKey(topic: string, query: object, headers?: object): string {
  return `${topic}?options=${encodeURIComponent(JSON.stringify({ query, headers }))}`;
}
