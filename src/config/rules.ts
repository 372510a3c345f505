/** Reads access rules and topic rules from JSON, and logs a summary of the access rules. */
import { RealtimeError } from "../realtime/errors.ts";
import type { CollectionRules } from "../realtime/records/collection.ts";
import { AccessRules } from "../realtime/records/rules.ts";
import { type TopicRule, TopicRules } from "../realtime/topic-rules.ts";
import type { Logger } from "../realtime/types.ts";
import type { Parser } from "./parsers.ts";

/** Access rules by collection, as in `ManagerOptions.rules`. */
export type Rules = Readonly<Record<string, CollectionRules>>;

/** The parser for the variable with access rules. */
export const accessRules = jsonVariable("{", "object", (rules: Rules) => new AccessRules(rules));

/** The parser for the variable with topic rules. */
export const topicRules = jsonVariable(
  "[",
  "list",
  (rules: readonly TopicRule[]) => new TopicRules(rules),
);

/**
 * Returns a parser for a variable with rules in JSON. The message of the parser's error is one or more full sentences. The message
 * shows at most one of the rules.
 *
 * @param begin The first character of the JSON.
 * @param check Throws RealtimeError `invalid_config` for rules that are invalid. The service checks them again when it uses them.
 */
function jsonVariable<T>(
  begin: string,
  type: string,
  check: (rules: T) => void,
): Parser<T | undefined> {
  return (text) => {
    if (text === undefined) return undefined;
    if (!text.startsWith(begin)) {
      throw new RealtimeError(
        "invalid_config",
        `The rules must be a JSON ${type} that begins with "${begin}". Only the programs for Node and Bun accept the path of a JSON file.`,
      );
    }
    const rules: T = parseJSON(text);
    check(rules);
    return rules;
  };
}

function parseJSON<T>(text: string): T {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // V8 appends a part of the text to the message.
    const problem = String(cause).replace(/, \.*".*/s, "");
    throw new RealtimeError("invalid_config", `The JSON can't be parsed. ${problem}.`, { cause });
  }
}

/** Logs how many collections have rules, and whether the records of all other collections reach everyone. */
export function logRules(rules: Rules | undefined, logger: Logger): void {
  if (rules === undefined) return;
  const { "*": forOthers = {}, ...byCollection } = rules;
  const hasRules = ({ listRule, viewRule }: CollectionRules) =>
    listRule !== undefined || viewRule !== undefined;
  const collections = Object.values(byCollection).filter(hasRules).length;
  const others = hasRules(forOthers) ? "the rules of *" : "open to everyone";
  logger.info("access rules", { collections, others });
}
