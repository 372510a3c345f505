import type { Filter } from "./filter.ts";
import type { RecordView } from "./record-view.ts";

/** The result of a filter, or the error of its evaluation. */
type Result = { readonly isMatch: boolean } | { readonly error: unknown };

/**
 * The results of clients' filters for one record. A client's filter reads neither the user nor the options of the subscription, so
 * its result is the same for all clients. Only administrators may get another result, because they may filter by hidden fields.
 */
export class FilterResults {
  readonly #view: RecordView;
  readonly #at: number;
  readonly #ofClients = new Map<Filter, Result>();
  readonly #ofAdministrators = new Map<Filter, Result>();

  /** @param at The time for macros, in milliseconds since 1970. */
  constructor(view: RecordView, at: number) {
    this.#view = view;
    this.#at = at;
  }

  /**
   * Whether the record matches. Each filter is evaluated once.
   *
   * @throws RealtimeError `invalid_filter`.
   */
  matches(filter: Filter, isAdmin: boolean): boolean {
    const results = isAdmin ? this.#ofAdministrators : this.#ofClients;
    let result = results.get(filter);
    if (result === undefined) {
      result = this.#evaluate(filter, isAdmin);
      results.set(filter, result);
    }
    if ("error" in result) throw result.error;
    return result.isMatch;
  }

  /** Releases the memory of the results. */
  release(): void {
    this.#ofClients.clear();
    this.#ofAdministrators.clear();
  }

  #evaluate(filter: Filter, isAdmin: boolean): Result {
    try {
      return { isMatch: filter.matches(this.#view, { isAdmin, now: this.#at }) };
    } catch (error) {
      return { error };
    }
  }
}
