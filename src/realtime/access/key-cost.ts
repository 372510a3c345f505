import { RealtimeError } from "../errors.ts";
import { topicOf } from "../subscriptions/subscription-key.ts";
import type { KeyCost } from "./capacity.ts";
import { compileRights } from "./rights.ts";

/** The most topics that the keys and rights of one client may have in common. */
const MAX_COVERED_TOPICS = 10_000;

/**
 * The cost of a client's subscription keys. Repeated keys and empty strings cost nothing.
 *
 * @throws RealtimeError `invalid_input` when keys and rights have more than 10,000 topics in common: a key such as `*`
 *   has one in common with each right.
 */
export function costOfKeys(
  subscriptions: readonly string[],
  rights: readonly string[] = [],
): KeyCost {
  const compiled = compileRights(rights);
  let keys = 0;
  let covered = 0;
  let characters = 0;
  for (const key of new Set(subscriptions)) {
    if (key === "") continue;
    keys += 1;
    characters += key.length;
    if (rights.length > 0) covered += compiled.coveredTopics(topicOf(key)).length;
    if (covered > MAX_COVERED_TOPICS) {
      throw new RealtimeError(
        "invalid_input",
        `These subscriptions and rights meet in more than ${MAX_COVERED_TOPICS} topics. Subscribe to fewer or narrower ones.`,
      );
    }
  }
  return { keys: keys + covered, characters };
}
