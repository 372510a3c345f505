import { type Collection, isHiddenField, type RecordData } from "./collection.ts";
import { Evaluation } from "./evaluation.ts";
import { filterError } from "./filter-error.ts";
import { compileProgram, type FilterMode, type Program } from "./program.ts";
import { fieldOperand, RecordView } from "./record-view.ts";
import type { FilterContext } from "./request-view.ts";

export type { FilterMode } from "./program.ts";
export type { FilterContext } from "./request-view.ts";

/** A compiled filter or rule. It can be evaluated for any record, whatever its collection. */
export class Filter {
  /** Length of the text, in UTF-16 code units. */
  readonly length: number;
  /** Whether the result depends on `FilterContext.auth`. */
  readonly usesAuth: boolean;
  /** Whether the result depends on `FilterContext.query` or `headers`. */
  readonly usesOptions: boolean;
  readonly #program: Program;

  /** @throws RealtimeError `invalid_filter`. */
  constructor(text: string, mode: FilterMode) {
    this.length = text.length;
    this.#program = compileProgram(text, mode);
    const sources = new Set(this.#program.terms.flatMap((term) => term.sources));
    this.usesAuth = sources.has("auth");
    this.usesOptions = sources.has("query") || sources.has("headers");
  }

  /**
   * Whether a record matches.
   *
   * @throws RealtimeError `invalid_filter` if the record lacks a field of the filter, or the evaluation takes too many steps.
   */
  matches(view: RecordView, context: FilterContext): boolean {
    if (this.#program.mode === "rule" && context.isAdmin === true) return true;
    const evaluation = new Evaluation(this.#program, view, context);
    try {
      return evaluation.run();
    } finally {
      view.steps += evaluation.steps;
    }
  }

  /**
   * Checks the names of fields against what is declared about a collection, before there is a record.
   *
   * @param isAdmin Whether the subscriber is an administrator, who may filter by hidden fields.
   * @throws RealtimeError `invalid_filter` for a hidden field, and for a path that needs a query of the database.
   */
  checkFields(collection: Collection, isAdmin: boolean): void {
    const { fields = {} } = collection;
    for (const field of this.#program.terms.flatMap((term) => term.fields)) {
      const [name = ""] = field.path;
      if (!isAdmin && isHiddenField(collection, name)) {
        throw filterError(`The field "${name}" can't be used in a filter.`, field.position);
      }
      const type = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (type !== undefined) fieldOperand(field, type, null);
    }
  }
}

/**
 * Compiles a filter or rule of PocketBase's language to a function.
 *
 * @param text As in PocketBase: `status = "open" && tags:each ?= "new"`. At most 10,000 characters and 200 comparisons.
 * @param collection What is known about the records. Default: nothing, and types are guessed from the values.
 * @param mode Default "client".
 * @returns A function that says whether a record matches. It throws `invalid_filter` if the record lacks a field that the
 *   filter names and that `collection.fields` does not declare, if a client's filter names a hidden field, if a name such as
 *   `author.name` needs a database, or if the evaluation takes too many steps.
 * @throws RealtimeError `invalid_filter` with `position` if the text can't be parsed, or has a name that no record can have.
 * @example
 * const isOpen = compileFilter('status = "open" && votes > 10');
 * isOpen({ id: "1", status: "open", votes: 12 }); // true
 */
export function compileFilter(
  text: string,
  collection: Collection = {},
  mode: FilterMode = "client",
): (record: RecordData, context?: FilterContext) => boolean {
  const filter = new Filter(text, mode);
  return (record, context = {}) => filter.matches(new RecordView(record, collection), context);
}
