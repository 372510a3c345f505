import { RealtimeError } from "../errors.ts";
import { topicOf } from "../subscriptions/subscription-key.ts";
import type { KeyCost } from "./capacity.ts";
import { compileRights } from "./rights.ts";

/** Maximum number of topics in which the keys of one client may overlap with its rights. */
const MAX_COVERED_TOPICS = 10_000;

/**
 * Returns the cost of a client's subscription keys. Repeated keys and empty strings cost nothing.
 *
 * @throws RealtimeError `invalid_input` when the keys overlap with the rights in more than 10,000 topics. For example, the key
 *   `*` counts one topic for each right that no other right includes.
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
        `These subscriptions overlap with the token's rights in more than ${MAX_COVERED_TOPICS.toLocaleString("en")} topics. Subscribe to fewer topics, or to narrower ones.`,
      );
    }
  }
  return { keys: keys + covered, characters };
}
