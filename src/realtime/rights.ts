/**
 * Who may have private messages: rights are patterns, written as subscription topics are (`posts/r1`, `posts/*`, `*`).
 */

/** Whether everything that `topic` (a topic, `prefix/*` or `*`) can reach is within `pattern`. */
export function covers(pattern: string, topic: string): boolean {
  if (pattern === "*" || pattern === topic) return true;
  return pattern.endsWith("/*") && topic.startsWith(pattern.slice(0, -1));
}

/**
 * The part of `topic` that the patterns cover, as the fewest topics that say it: a subscription to `*` with rights to
 * `a/*` and `a/b` may have what is private in `a/*`. No two of them reach the same message.
 */
export function coveredTopics(topic: string, patterns: readonly string[]): string[] {
  const parts = new Set<string>();
  for (const pattern of patterns) {
    if (covers(pattern, topic)) return [topic];
    if (covers(topic, pattern)) parts.add(pattern);
  }
  const all = [...parts];
  return all.filter((part) => !all.some((other) => other !== part && covers(other, part)));
}
