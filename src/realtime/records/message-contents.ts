import { RealtimeError } from "../errors.ts";
import { PRESENCE_PREFIX } from "../presence/presence.ts";
import { parseSubscription, topicOf } from "../subscriptions/subscription-key.ts";
import type { LogEntry, Logger } from "../types.ts";
import { type Collection, type CollectionRules, isHiddenField } from "./collection.ts";
import { type EvaluationErrorListener, MessageContent } from "./message-content.ts";
import { invalidOption } from "./record-options.ts";
import { AccessRules } from "./rules.ts";
import { type Selection, Selections } from "./selection.ts";

/**
 * Maximum number of messages that are kept for replays and reads of the history. Clients that reconnect together read the same
 * pages.
 */
const MAX_KEPT = 64;

/** Maximum size of the data of the kept messages together, in UTF-16 code units. */
const MAX_KEPT_SIZE = 1024 * 1024;

/**
 * Maximum length of the filters of one request together, in UTF-16 code units. Compiling as much as the limits of keys allow
 * would block the event loop for a second.
 */
const MAX_FILTERS_LENGTH = 100_000;

/** Maximum number of keys for which a failed evaluation is logged. */
const MAX_LOGGED = 1000;

/** Creates the contents of messages. Delivery, replay and history share the rules and the compiled subscription keys. */
export class MessageContents {
  readonly rules: AccessRules;
  readonly selections: Selections = new Selections();
  readonly #logger: Logger | undefined;
  /** By cursor. The oldest is first. */
  readonly #kept = new Map<string, { readonly content: MessageContent; readonly size: number }>();
  readonly #logged = new Set<string>();
  #keptSize = 0;

  /** @throws RealtimeError `invalid_config` for a rule that can't be compiled. */
  constructor(
    rules?: Readonly<Record<string, CollectionRules>> | undefined,
    logger?: Logger | undefined,
  ) {
    this.rules = new AccessRules(rules);
    this.#logger = logger;
  }

  /**
   * Checks the options of subscription keys, and compiles them.
   *
   * @param isAdmin Whether the subscriber is an administrator, who may filter by hidden fields.
   * @throws RealtimeError `invalid_filter`, `invalid_fields` or `invalid_input`; `fields` names the index of the key.
   */
  check(keys: readonly string[], isAdmin: boolean): void {
    let length = 0;
    for (const [index, key] of keys.entries()) {
      try {
        if (key.startsWith(PRESENCE_PREFIX)) refuseLast(key);
        const selection = this.selections.check(key);
        length += selection?.filter?.length ?? 0;
        if (length > MAX_FILTERS_LENGTH) {
          throw invalidOption(
            `The filters of all subscriptions have at most ${MAX_FILTERS_LENGTH} characters together.`,
          );
        }
        if (selection === undefined) continue;
        const declared = this.rules.ofTopic(topicOf(key))?.declared ?? {};
        selection.filter?.checkFields(declared, isAdmin);
        if (!isAdmin) checkChanged(selection, declared);
      } catch (error) {
        throw error instanceof RealtimeError ? atKey(error, index) : error;
      }
    }
  }

  /** Creates the content of a message. */
  of(entry: LogEntry): MessageContent {
    return new MessageContent(entry, this.rules, this.selections, this.#onError);
  }

  /** As `of`, but keeps the content for the next reader. */
  kept(entry: LogEntry): MessageContent {
    const found = this.#kept.get(entry.cursor);
    if (found !== undefined) return found.content;
    const content = this.of(entry);
    const { data, change = "" } = entry.message;
    const size = data.length + change.length;
    if (size > MAX_KEPT_SIZE) return content;
    this.#kept.set(entry.cursor, { content, size });
    this.#keptSize += size;
    for (const [cursor, oldest] of this.#kept) {
      if (this.#kept.size <= MAX_KEPT && this.#keptSize <= MAX_KEPT_SIZE) break;
      this.#kept.delete(cursor);
      this.#keptSize -= oldest.size;
    }
    return content;
  }

  /** Logs the first failure of each key. A filter that names a field which records lack fails for every message. */
  readonly #onError: EvaluationErrorListener = (key, error) => {
    if (this.#logged.has(key) || this.#logged.size >= MAX_LOGGED) return;
    this.#logged.add(key);
    this.#logger?.warn("filter or rule failed", {
      topic: topicOf(key),
      error: error instanceof Error ? error.message : String(error),
    });
  };
}

/** Refuses the option `last` of a presence topic: older changes would come after a newer list of the members. */
function refuseLast(key: string): void {
  if (parseSubscription(key).options.last === undefined) return;
  throw invalidOption(`The option "last" can't be set for ${PRESENCE_PREFIX}. Leave it out.`);
}

/** Refuses the names of hidden fields in the option `changed`. */
function checkChanged({ changed = [] }: Selection, collection: Collection): void {
  const name = changed.find((field) => isHiddenField(collection, field));
  if (name === undefined) return;
  throw invalidOption(`The field "${name}" can't be used in the option "changed".`);
}

/** The same error, with the index of the subscription key that caused it. */
function atKey({ code, message, position, cause }: RealtimeError, index: number): RealtimeError {
  const field = { code: `validation_${code}`, message };
  return new RealtimeError(code, message, {
    fields: { subscriptions: { [index]: field } },
    cause,
    position,
  });
}
