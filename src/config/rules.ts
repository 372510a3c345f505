/** Reads access rules from JSON, and says which rules there are. */
import * as z from "zod/mini";
import { RealtimeError } from "../realtime/errors.ts";
import type { CollectionRules } from "../realtime/records/collection.ts";
import { AccessRules } from "../realtime/records/rules.ts";
import type { Logger } from "../realtime/types.ts";

/** Access rules by collection, as in `ManagerOptions.rules`. */
export type Rules = Readonly<Record<string, CollectionRules>>;

/** The parser for the variable with access rules. The message of its issue is one or more full sentences. */
export const accessRules = z.pipe(
  z.optional(z.string()),
  z.transform((text, context): Rules | undefined => {
    if (text === undefined) return undefined;
    try {
      return parseRules(text);
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      context.issues.push({ code: "custom", message: error.message, input: text });
      return z.NEVER;
    }
  }),
);

/** @throws RealtimeError `invalid_config`. Its message contains at most one rule. */
function parseRules(text: string): Rules {
  if (!text.startsWith("{")) {
    throw new RealtimeError(
      "invalid_config",
      'The rules must be a JSON object that begins with "{". Only the programs for Node and Bun accept the path of a JSON file.',
    );
  }
  let rules: Rules;
  try {
    rules = JSON.parse(text);
  } catch (cause) {
    // V8 appends a part of the text to the message.
    const problem = String(cause).replace(/, \.*".*/s, "");
    throw new RealtimeError("invalid_config", `The JSON can't be parsed. ${problem}.`, { cause });
  }
  // Checks and compiles the rules. The manager compiles them again.
  new AccessRules(rules);
  return rules;
}

/** Logs for how many collections there are rules, and whether the records of all others reach everyone. */
export function logRules(rules: Rules | undefined, logger: Logger): void {
  if (rules === undefined) return;
  const { "*": forOthers = {}, ...byCollection } = rules;
  const hasRules = ({ listRule, viewRule }: CollectionRules) =>
    listRule !== undefined || viewRule !== undefined;
  const collections = Object.values(byCollection).filter(hasRules).length;
  const others = hasRules(forOthers) ? "the rules of *" : "open to everyone";
  logger.info("access rules", { collections, others });
}
