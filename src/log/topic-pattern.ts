import { matchingTopics } from "../realtime/subscriptions/subscription-key.ts";

/** Whether a topic, `prefix/*` or `*` matches one of a message's topics. */
export function matchesAny(pattern: string, topics: readonly string[]): boolean {
  return topics.some((topic) => topic === pattern || matchingTopics(topic).includes(pattern));
}

/** Whether a text is a pattern, and not the name of a single topic. */
export function isPattern(text: string): boolean {
  return text === "*" || text.endsWith("/*");
}
