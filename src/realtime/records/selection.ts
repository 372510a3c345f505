import type { RealtimeError } from "../errors.ts";
import { isEnvelopeKey, maySelect, parseSubscription } from "../subscriptions/subscription-key.ts";
import { BoundedCache } from "./bounded-cache.ts";
import { Filter } from "./filter.ts";
import { pickFields } from "./pick-fields.ts";
import { invalidOption, type RecordOptions, readRecordOptions } from "./record-options.ts";

/** The parts of a subscription that decide what it receives. */
export interface Subscribed {
  /** The whole subscription key. */
  readonly key: string;
  /** The key without its options. */
  readonly topic: string;
  /** `maySelect` of the key. */
  readonly maySelect: boolean;
}

/** What a subscription key with options selects, ready to be applied to many messages. */
export interface Selection extends Pick<RecordOptions, "actions" | "changed" | "leave" | "fields"> {
  readonly filter: Filter | undefined;
  /** Returns the part of a record that `fields` names. Undefined: the whole record. */
  readonly pick: ((record: unknown) => unknown) | undefined;
  /** Whether the data of an event is in an envelope (envelope.ts). */
  readonly envelope: boolean;
  /** The values of `@request.query` and `@request.headers` in rules. */
  readonly request: {
    readonly query: Readonly<Record<string, string>>;
    readonly headers: Readonly<Record<string, string>>;
  };
}

/**
 * Maximum number of compiled filters, and of compiled keys, that are kept. A filter or key beyond them is compiled again when
 * it is needed.
 */
const MAX_COMPILED = 10_000;

/**
 * Maximum length of the compiled filters together, in UTF-16 code units. In memory, a filter takes about 100 bytes for each
 * character.
 */
const MAX_FILTERS_SIZE = 600_000;

/** Maximum size of the compiled keys together. A character of a key counts as 1, and one of its filter or fields as 5. */
const MAX_KEYS_SIZE = 3_000_000;

/** Compiles subscription keys, and keeps the result. Keys with the same filter share one compiled filter. */
export class Selections {
  readonly #filters = new BoundedCache(MAX_COMPILED, (text) => new Filter(text, "client"), {
    max: MAX_FILTERS_SIZE,
    of: (text) => text.length,
  });
  readonly #byKey = new BoundedCache(MAX_COMPILED, (key) => this.#compile(key), {
    max: MAX_KEYS_SIZE,
    of: (_, { size }) => size,
  });

  /**
   * Returns what a key selects. Undefined if the key has no options.
   *
   * @throws RealtimeError `invalid_filter`, `invalid_fields` or `invalid_input` if an option can't be read.
   */
  of(key: string): Selection | undefined {
    // Most keys have no options.
    return key.includes("?") || isEnvelopeKey(key) ? this.#byKey.get(key).selection : undefined;
  }

  /** As `of`, for a key that is checked and not yet used: a key that selects nothing is not kept. */
  check(key: string): Selection | undefined {
    if (maySelect(key)) return this.of(key);
    if (key.includes("?") && parseSubscription(key).options.isMalformed) throw malformedOptions();
    return undefined;
  }

  #compile(key: string): Compiled {
    const { topic, options } = parseSubscription(key);
    if (topic === key) return { selection: undefined, size: key.length };
    if (options.isMalformed) throw malformedOptions();
    const { filter, fields, envelope, ...rest } = readRecordOptions(options);
    const { query, headers } = options;
    const selection = {
      ...rest,
      fields,
      filter: filter === undefined ? undefined : this.#filters.get(filter),
      pick: fields === undefined ? undefined : pickFields(fields),
      envelope: envelope ?? isEnvelopeKey(key),
      request: { query, headers },
    };
    const compiled = (filter?.length ?? 0) + (fields?.length ?? 0);
    return { selection, size: key.length + 4 * compiled };
  }
}

interface Compiled {
  readonly selection: Selection | undefined;
  readonly size: number;
}

function malformedOptions(): RealtimeError {
  return invalidOption(
    'The options of a subscription must be a JSON object with filter and fields in its query, such as options={"query":{"filter":"a = 1"}}, URI-encoded.',
  );
}
