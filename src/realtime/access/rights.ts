/**
 * Who may have private messages: rights are patterns, written as subscription topics are (`posts/r1`, `posts/*`, `*`).
 */

/** Patterns, prepared for many questions: none of them looks at each pattern. */
export interface Rights {
  /** Whether everything that `topic` (a topic, `prefix/*` or `*`) can reach is within one pattern. */
  covers(topic: string): boolean;
  /**
   * The part of `topic` that the patterns cover, as the fewest topics that say it: a subscription to `*` with rights to
   * `a/*` and `a/b` may have what is private in `a/*`. No two of them reach the same message.
   */
  coveredTopics(topic: string): readonly string[];
}

const SLASH = 47;

const NOTHING: Rights = { covers: () => false, coveredTopics: () => [] };
const EVERYTHING: Rights = { covers: () => true, coveredTopics: (topic) => [topic] };

export function compileRights(patterns: readonly string[]): Rights {
  if (patterns.length === 0) return NOTHING;
  if (patterns.includes("*")) return EVERYTHING;
  const exact = new Set(patterns);
  const prefixes = prefixesByLength(patterns);
  const isBehind = (topic: string, ownLength = 0) => {
    for (const [length, texts] of prefixes) {
      if (length === ownLength || topic.charCodeAt(length - 1) !== SLASH) continue;
      if (texts.has(topic.slice(0, length))) return true;
    }
    return false;
  };
  const covers = (topic: string) => exact.has(topic) || isBehind(topic);
  // A prefix is behind itself, by its own length.
  const fewest = [...exact].filter((pattern) => !isBehind(pattern, prefixOf(pattern)?.length));
  fewest.sort();
  return {
    covers,
    coveredTopics: (topic) => {
      if (covers(topic)) return [topic];
      if (topic === "*") return fewest;
      const prefix = prefixOf(topic);
      return prefix === undefined ? [] : startingWith(prefix, fewest);
    },
  };
}

/** What every topic within `prefix/*` begins with; undefined for other topics. */
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

/** @param texts In order. */
function startingWith(prefix: string, texts: readonly string[]): readonly string[] {
  let [low, high] = [0, texts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((texts[middle] as string) < prefix) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (texts[end]?.startsWith(prefix)) end += 1;
  return texts.slice(low, end);
}
