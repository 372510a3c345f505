import { isObject } from "../is-object.ts";
import { toJSONLine } from "../sse.ts";
import { FilterResults } from "./filter-results.ts";
import { RecordView } from "./record-view.ts";
import type { Selection } from "./selection.ts";
import { EVERYONE } from "./viewer.ts";

/**
 * Applies the options of subscriptions to a message to a topic. `filter` and `fields` read the message's data as if it was a
 * record. If the data looks like a record event (`{"action":"update","record":{…}}`), they read its record. The other options
 * are about changes of records, and rules hold for record events only.
 */
export class PlainSelector {
  /** Whether all clients with one key receive the same. */
  readonly isOpen = true;
  readonly #data: string;
  readonly #at: number;
  readonly #texts = new Map<string, string>();
  #parsed: ParsedData | undefined;

  /** @param at The time of the message, in milliseconds since 1970. */
  constructor(data: string, at: number) {
    this.#data = data;
    this.#at = at;
  }

  kindOf(): string {
    return EVERYONE.key;
  }

  /**
   * Returns the data for a subscription. Undefined if the filter does not match. No filter matches data that is not an object.
   *
   * @throws RealtimeError `invalid_filter`.
   */
  select(_subscribed: unknown, selection: Selection | undefined): string | undefined {
    const { filter, pick, fields = "" } = selection ?? {};
    if (filter === undefined && pick === undefined) return this.#data;
    const { value, results } = this.#parse();
    if (filter !== undefined && results?.matches(filter, false) !== true) return undefined;
    if (pick === undefined) return this.#data;
    const text = this.#texts.get(fields) ?? toJSONLine(withRecord(value, pick));
    this.#texts.set(fields, text);
    return text;
  }

  /** Returns the steps that filters have taken since the last call. */
  takeSteps(): number {
    return this.#parsed?.view?.takeSteps() ?? 0;
  }

  release(): void {
    this.#texts.clear();
    this.#parsed?.results?.release();
  }

  #parse(): ParsedData {
    if (this.#parsed === undefined) {
      const value: unknown = JSON.parse(this.#data);
      const record = recordOf(value);
      const view = record && new RecordView(record);
      this.#parsed = { value, view, results: view && new FilterResults(view, this.#at) };
    }
    return this.#parsed;
  }
}

interface ParsedData {
  readonly value: unknown;
  /** Undefined if the value is not an object. */
  readonly view: RecordView | undefined;
  readonly results: FilterResults | undefined;
}

/** The object that filters read. Undefined if the data is not an object. */
function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!isObject(value)) return undefined;
  return isRecordEvent(value) ? value.record : value;
}

/** Picks the fields of the data, or of the record in it. */
function withRecord(value: unknown, pick: (record: unknown) => unknown): unknown {
  if (!isObject(value) || !isRecordEvent(value)) return pick(value);
  return { ...value, record: pick(value.record) };
}

/** A record event that was published as a message to a topic. */
interface RecordEventData {
  readonly action: string;
  readonly record: Readonly<Record<string, unknown>>;
}

function isRecordEvent(
  value: Readonly<Record<string, unknown>>,
): value is Readonly<Record<string, unknown>> & RecordEventData {
  const { action, record } = value;
  return (action === "create" || action === "update" || action === "delete") && isObject(record);
}
