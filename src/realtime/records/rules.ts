import { RealtimeError } from "../errors.ts";
import { ALL_OTHERS, checkRules, invalidRules } from "./check-rules.ts";
import type { Collection, CollectionRules, RecordChange, RecordData } from "./collection.ts";
import { Filter } from "./filter.ts";

/** A compiled rule. */
export type Rule = "everyone" | "administrators" | Filter;

/** The compiled rules of one collection. */
export interface CompiledRules {
  /** What the entry says about the collection. */
  readonly declared: Collection;
  readonly list: Rule;
  readonly view: Rule;
  /** Who sees every email of an `auth` collection. */
  readonly manage: Rule;
}

/** The rules of a service, by collection. */
export class AccessRules {
  readonly #byName = new Map<string, CompiledRules>();

  /**
   * @param rules By name or id of the collection. The entry `*` is for all collections without an entry of their own.
   * @throws RealtimeError `invalid_config` naming the collection and the property that is wrong or can't be compiled.
   */
  constructor(rules: Readonly<Record<string, CollectionRules>> = {}) {
    checkRules(rules);
    for (const [collection, entry] of Object.entries(rules)) {
      const compiled = compileEntry(collection, entry);
      for (const name of new Set([collection, entry.name, entry.id])) {
        if (name === undefined) continue;
        if (this.#byName.has(name)) {
          throw invalidRules(
            `Two entries of the rules are for the collection ${JSON.stringify(name)}. Remove one.`,
          );
        }
        this.#byName.set(name, compiled);
      }
    }
  }

  /** Whether there are no rules, so that every record reaches everyone. */
  get isEmpty(): boolean {
    return this.#byName.size === 0;
  }

  /** The rules for a topic's collection: the part of the topic before the first `/`. */
  ofTopic(topic: string): CompiledRules | undefined {
    return this.#byName.get(topic.split("/", 1)[0] ?? "") ?? this.#byName.get(ALL_OTHERS);
  }

  /** The rules for a record event. */
  of({ collection }: RecordChange, record: RecordData): CompiledRules | undefined {
    const names = [collection.name, collection.id, record.collectionName, record.collectionId];
    for (const name of names) {
      const found = typeof name === "string" ? this.#byName.get(name) : undefined;
      if (found !== undefined) return found;
    }
    return this.#byName.get(ALL_OTHERS);
  }
}

function compileEntry(name: string, entry: CollectionRules): CompiledRules {
  const { listRule, viewRule, manageRule, ...declared } = entry;
  // If an entry has only one of the two rules, the other one lets only administrators pass.
  const missing = listRule === undefined && viewRule === undefined ? "" : null;
  return {
    declared,
    list: compileRule(name, "listRule", listRule ?? (listRule === null ? null : missing)),
    view: compileRule(name, "viewRule", viewRule ?? (viewRule === null ? null : missing)),
    manage: compileRule(name, "manageRule", manageRule ?? null),
  };
}

function compileRule(collection: string, property: string, text: string | null): Rule {
  if (text === null) return "administrators";
  if (text === "") return "everyone";
  try {
    return new Filter(text, "rule");
  } catch (cause) {
    if (!(cause instanceof RealtimeError)) throw cause;
    throw new RealtimeError(
      "invalid_config",
      `The ${property} of the collection ${JSON.stringify(collection)} is invalid. ${cause.message}`,
      { cause },
    );
  }
}

/**
 * Combines what an event and the rules say about a collection. The types of the rules win. A field is hidden if either of them
 * hides it.
 */
export function mergeCollection(event: Collection, declared: Collection | undefined): Collection {
  if (declared === undefined) return event;
  const hidden = [...(event.hidden ?? []), ...(declared.hidden ?? [])];
  return {
    name: event.name,
    id: event.id ?? declared.id,
    type: declared.type ?? event.type,
    fields: { ...event.fields, ...declared.fields },
    hidden,
  };
}
