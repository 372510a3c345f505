/** Topic rules: how many messages of a topic are kept, how long they can be read, and whether they are private. */
import { RealtimeError } from "./errors.ts";
import { isObject } from "./is-object.ts";
import { nearestName } from "./nearest-name.ts";
import { PRESENCE_PREFIX } from "./presence/presence.ts";
import { isFieldText } from "./sse.ts";
import { matchingTopics } from "./subscriptions/subscription-key.ts";
import type { Seconds } from "./units.ts";

/** A rule for the topics that match. A rule without further fields exempts its topics from the rules below it. */
export interface TopicRule {
  /** A topic, `prefix/*` or `*`, as in a subscription. `chat/*` matches `chat/1` and `chat/1/x`, but not `chat`. */
  readonly match: string;
  /**
   * Number of newest messages of each topic that the log keeps even if they exceed `HistoryLimits`: 1 to 10,000. Default: the
   * log drops every message that exceeds these limits.
   */
  readonly keep?: number | undefined;
  /**
   * Whether messages are private. The embedding app and holders of the admin key can still publish a public message with
   * `private: false`. Default false.
   */
  readonly private?: boolean | undefined;
  /**
   * Whether the topic has members, which `$presence/<topic>` tells to its subscribers. Members are private, unless a rule
   * for `$presence/<topic>` has `"private": false`. Default false.
   */
  readonly presence?: boolean | undefined;
  /** `Message.ttl` of messages without one: a whole number from 1 to 31,536,000 (one year). Default: no limit. */
  readonly ttl?: Seconds | undefined;
}

/** Maximum of `TopicRule.keep`. */
export const MAX_KEEP = 10_000;

/** Maximum of `TopicRule.ttl` and of a message's `ttl`: one year. */
export const MAX_TTL: Seconds = 31_536_000;

/** Completes "The ttl …", for errors. */
export const TTL_RULE = `must be a whole number of seconds from 1 to ${MAX_TTL}`;

/** Whether a value may be a `ttl`. */
export function isTTL(value: unknown): boolean {
  return isWhole(value, MAX_TTL);
}

/** Maximum number of rules. */
export const MAX_TOPIC_RULES = 1000;

/** Says what a value must be. Undefined if the value is valid. */
type Check = (value: unknown) => string | undefined;

/** The type `Record` makes the compiler report a field that is missing here. */
const FIELDS: Readonly<Record<keyof TopicRule, Check>> = {
  match: (value) =>
    typeof value === "string" && isFieldText(value) && /^(\*|[^*]+|[^*]*\/\*)$/.test(value)
      ? undefined
      : 'must be a topic, "prefix/*" or "*"',
  keep: (value) =>
    isWhole(value, MAX_KEEP) ? undefined : `must be a whole number from 1 to ${MAX_KEEP}`,
  private: isBoolean,
  presence: isBoolean,
  ttl: (value) => (isTTL(value) ? undefined : TTL_RULE),
};

/**
 * The topic rules of a service. The first rule that matches a topic applies.
 *
 * @example
 * const rules = new TopicRules([{ match: "chat/*", keep: 100, private: true }]);
 * rules.ruleOf("chat/1")?.keep; // 100
 */
export class TopicRules {
  /** The rules, in their order. */
  readonly list: readonly TopicRule[];
  /** The index of each rule by its `match`. */
  readonly #indexes = new Map<string, number>();

  /**
   * @param rules At most 1,000. A rule that an earlier one covers is refused, because it would never apply.
   * @throws RealtimeError `invalid_config` naming the index and the field of the first rule that is wrong.
   */
  constructor(rules: readonly TopicRule[] = []) {
    if (!Array.isArray(rules)) {
      throw invalid('topics must be a list of rules, such as [{"match":"chat/*","keep":100}].');
    }
    if (rules.length > MAX_TOPIC_RULES) {
      throw invalid(
        `topics has ${rules.length} rules. Remove some: the limit is ${MAX_TOPIC_RULES}.`,
      );
    }
    for (const [index, rule] of rules.entries()) {
      checkRule(`topics[${index}]`, rule);
      this.#refuseCovered(rule.match, index);
      this.#indexes.set(rule.match, index);
    }
    this.list = rules;
  }

  /** The rule that applies to a topic. */
  ruleOf(topic: string): TopicRule | undefined {
    const index = this.indexOf(topic);
    return index === undefined ? undefined : this.list[index];
  }

  /** The rules that apply to the topics of a message. */
  rulesOf(topics: readonly string[]): TopicRule[] {
    return topics.flatMap((topic) => this.ruleOf(topic) ?? []);
  }

  /**
   * The index of the rule that applies to a topic. Only a rule for `$presence/…` applies to such a topic, so that a rule for all
   * topics does not make members public.
   */
  indexOf(topic: string): number | undefined {
    if (this.#indexes.size === 0) return undefined;
    // The constructor refuses a rule that an earlier rule covers. Of two rules that match, the narrower is therefore the first.
    const isOfMembers = topic.startsWith(PRESENCE_PREFIX);
    const match = matchingTopics(topic).findLast(
      (pattern) =>
        this.#indexes.has(pattern) && (!isOfMembers || pattern.startsWith(PRESENCE_PREFIX)),
    );
    return match === undefined ? undefined : this.#indexes.get(match);
  }

  #refuseCovered(match: string, index: number): void {
    // A rule that matches the text of a pattern matches all topics of the pattern.
    const first = this.indexOf(match);
    if (first === undefined) return;
    const hint = this.#indexes.has(match) ? "Remove" : `Move topics[${index}] up, or remove`;
    throw invalid(
      `topics[${index}] never applies, because topics[${first}] covers ${JSON.stringify(match)} too. ${hint} one of them.`,
    );
  }
}

function checkRule(path: string, rule: unknown): void {
  if (!isObject(rule)) throw invalid(`${path} must be an object, such as {"match":"chat/*"}.`);
  const names = Object.keys(FIELDS);
  for (const name of Object.keys(rule)) {
    if (names.includes(name)) continue;
    const nearest = nearestName(name, names);
    const hint =
      nearest === undefined
        ? `The fields are ${names.join(", ")}.`
        : `Did you mean ${JSON.stringify(nearest)}?`;
    throw invalid(`${path} has an unknown field ${JSON.stringify(name.slice(0, 64))}. ${hint}`);
  }
  for (const [name, check] of Object.entries(FIELDS)) {
    const value = rule[name];
    const fault = name !== "match" && value === undefined ? undefined : check(value);
    if (fault !== undefined) throw invalid(`${path}.${name} ${fault}.`);
  }
  const senseless = ["presence", "keep"].find((name) => rule[name] !== undefined);
  if (senseless === undefined || !String(rule.match).startsWith(PRESENCE_PREFIX)) return;
  throw invalid(
    `${path}.${senseless} can't be set for topics of ${PRESENCE_PREFIX}. Leave it out. They can have private and ttl.`,
  );
}

function isBoolean(value: unknown): string | undefined {
  return typeof value === "boolean" ? undefined : "must be true or false";
}

function isWhole(value: unknown, max: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max;
}

function invalid(message: string): RealtimeError {
  return new RealtimeError("invalid_config", message);
}
