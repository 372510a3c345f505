/** Longer names are not compared: the time of a comparison grows with the product of the lengths. */
const MAX_LENGTH = 40;

/**
 * Finds the known name that a misspelt name probably means, for error messages. Case and punctuation don't count.
 *
 * @returns undefined when no known name is similar: more than a third of the letters differ.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const plain = simplify(name);
  let nearest: string | undefined;
  let least = Math.max(Math.floor(plain.length / 3), 1) + 1;
  for (const candidate of known) {
    const edits = countEdits(plain, simplify(candidate));
    if (edits < least) {
      least = edits;
      nearest = candidate;
    }
  }
  return nearest;
}

function simplify(name: string): string {
  return name.toLowerCase().replace(/[^a-z\d]/g, "");
}

/** The Levenshtein distance, computed row by row. */
function countEdits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let at = 1; at <= from.length; at++) {
    const next = [at];
    for (let other = 1; other <= to.length; other++) {
      const replace = (row[other - 1] ?? 0) + (from[at - 1] === to[other - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[other] ?? 0) + 1, (next[other - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
