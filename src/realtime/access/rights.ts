import { topicOf } from "../subscriptions/subscription-key.ts";

/**
 * The rights of a client, prepared for many look-ups. A right is a pattern of topics (`posts/1`, `posts/*` or `*`). The client
 * may receive the private messages of these topics.
 */
export interface Rights {
  /** Whether one pattern covers all messages that a subscription to `topic` (`posts/1`, `posts/*` or `*`) reaches. */
  covers(topic: string): boolean;
  /**
   * Returns the topics in which `topic` overlaps with the patterns, as the shortest list. For a subscription to `*` with
   * rights to `a/*` and `a/b`, the list is `["a/*"]`. No topic of a message matches two topics of the list.
   */
  coveredTopics(topic: string): readonly string[];
}

const SLASH = 47;

const NOTHING: Rights = { covers: () => false, coveredTopics: () => [] };
const EVERYTHING: Rights = { covers: () => true, coveredTopics: (topic) => [topic] };

/** Prepares patterns for look-ups. */
export function compileRights(patterns: readonly string[]): Rights {
  if (patterns.length === 0) return NOTHING;
  if (patterns.includes("*")) return EVERYTHING;
  const exact = new Set(patterns);
  const prefixes = prefixesByLength(patterns);
  // The pattern `a/*` has the prefix `a/`. `ownLength` is the length of a pattern's own prefix, which must not count as a
  // match.
  const isWithinPrefix = (topic: string, ownLength = 0) => {
    for (const [length, texts] of prefixes) {
      if (length === ownLength || topic.charCodeAt(length - 1) !== SLASH) continue;
      if (texts.has(topic.slice(0, length))) return true;
    }
    return false;
  };
  const covers = (topic: string) => exact.has(topic) || isWithinPrefix(topic);
  const smallest = [...exact].filter(
    (pattern) => !isWithinPrefix(pattern, prefixOf(pattern)?.length),
  );
  smallest.sort();
  return {
    covers,
    coveredTopics: (topic) => {
      if (covers(topic)) return [topic];
      if (topic === "*") return smallest;
      const prefix = prefixOf(topic);
      return prefix === undefined ? [] : startingWith(prefix, smallest);
    },
  };
}

/** Returns the rights that `after` adds to `before`. Undefined when `after` adds no right. */
export function rightsGained(
  before: readonly string[],
  after: readonly string[] = [],
): Rights | undefined {
  const earlier = compileRights(before);
  const gained = after.filter((right) => !earlier.covers(right));
  return gained.length === 0 ? undefined : compileRights(gained);
}

/** Whether a subscription key reaches messages that the rights cover. */
export function reachesAny(key: string, rights: Rights | undefined): boolean {
  return rights !== undefined && rights.coveredTopics(topicOf(key)).length > 0;
}

/** Returns `a/` for the pattern `a/*`: the start of every topic that the pattern covers. Undefined for other patterns. */
function prefixOf(topic: string): string | undefined {
  return topic.endsWith("/*") ? topic.slice(0, -1) : undefined;
}

function prefixesByLength(patterns: readonly string[]): Map<number, Set<string>> {
  const found = new Map<number, Set<string>>();
  for (const pattern of patterns) {
    const prefix = prefixOf(pattern);
    if (prefix === undefined) continue;
    const texts = found.get(prefix.length) ?? new Set();
    found.set(prefix.length, texts.add(prefix));
  }
  return found;
}

/** @param texts Sorted. */
function startingWith(prefix: string, texts: readonly string[]): readonly string[] {
  let [low, high] = [0, texts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((texts[middle] ?? "") < prefix) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (texts[end]?.startsWith(prefix)) end += 1;
  return texts.slice(low, end);
}
