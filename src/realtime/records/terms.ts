import { isHiddenField } from "./collection.ts";
import { filterError } from "./filter-error.ts";
import { callFunction, checkCall } from "./functions.ts";
import { isMacro, valueOfMacro } from "./macros.ts";
import { type FieldName, type Name, parseName, type RequestSource } from "./names.ts";
import {
  booleanOperand,
  NULL_OPERAND,
  numberOperand,
  type Operand,
  parameterOperand,
} from "./operand.ts";
import type { Term } from "./parse-filter.ts";
import type { RecordView } from "./record-view.ts";
import { type FilterContext, requestOperand } from "./request-view.ts";

/** What the terms of a filter are evaluated with. */
export interface EvaluationInput {
  readonly view: RecordView;
  readonly context: FilterContext;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Whether hidden fields are unknown to the filter. */
  readonly hidesFields: boolean;
}

/** A term that is ready to be evaluated. */
export interface CompiledTerm {
  /** Terms with the same text have the same value, except calls: the text of a call is without its arguments. */
  readonly text: string;
  /** Terms with the same list share its element: `members:each` and `members.id`. */
  readonly list: string;
  readonly position: number;
  /** The fields of the record that the term names. Only a call can name several. */
  readonly fields: readonly FieldName[];
  /** The sources of `@request` that the term reads. */
  readonly sources: readonly RequestSource[];
  /** @throws RealtimeError `invalid_filter`. */
  readonly resolve: (input: EvaluationInput) => Operand;
}

/** @throws RealtimeError `invalid_filter`. */
export function compileTerm(term: Term): CompiledTerm {
  const { position } = term;
  switch (term.kind) {
    case "text":
      return constant(JSON.stringify(term.text), position, parameterOperand(term.text));
    case "number":
      return constant(String(term.value), position, numberOperand(term.value));
    case "name":
      return compileName(parseName(term.text, position, isMacro), term.text, position);
    default: {
      checkCall(term);
      const args = term.args.map(compileTerm);
      return {
        text: `${term.name}()`,
        list: "",
        position,
        fields: args.flatMap(({ fields }) => fields),
        sources: args.flatMap(({ sources }) => sources),
        resolve: (input) => {
          const values = args.map((arg) => singleValue(arg, input));
          return callFunction(term.name, values, input.now);
        },
      };
    }
  }
}

function constant(text: string, position: number, operand: Operand): CompiledTerm {
  return { text, list: text, position, fields: [], sources: [], resolve: () => operand };
}

function compileName(name: Name, text: string, position: number): CompiledTerm {
  switch (name.kind) {
    case "constant":
      return constant(text, position, parameterOperand(name.value));
    case "macro": {
      const resolve = ({ now }: EvaluationInput) => parameterOperand(valueOfMacro(name.name, now));
      return { text, list: text, position, fields: [], sources: [], resolve };
    }
    case "request": {
      const { source, field } = name;
      const resolve = ({ context, view }: EvaluationInput) =>
        requestOperand(source, field, context, view);
      const list = `@request.${source}.${field.path[0]}`;
      return { text, list, position, fields: [], sources: [source], resolve };
    }
    default: {
      const { field } = name;
      const keyword = KEYWORDS.get(text.toLowerCase());
      const resolve = (input: EvaluationInput) => fieldOrKeyword(field, keyword, input);
      return {
        text,
        list: field.path[0] ?? "",
        position,
        fields: [field],
        sources: [],
        resolve,
      };
    }
  }
}

/** These names are literals in upper and lower case, unless the record has a field with the name. */
const KEYWORDS = new Map<string, Operand>([
  ["true", booleanOperand(true)],
  ["false", booleanOperand(false)],
  ["null", NULL_OPERAND],
]);

function fieldOrKeyword(
  field: FieldName,
  keyword: Operand | undefined,
  { view, hidesFields }: EvaluationInput,
): Operand {
  const [name = ""] = field.path;
  if (keyword !== undefined && view.typeOf(name) === undefined) return keyword;
  if (hidesFields && isHiddenField(view.collection, name)) {
    throw filterError(`The field "${name}" can't be used in a filter.`, field.position);
  }
  return view.operandOf(field);
}

function singleValue(arg: CompiledTerm, input: EvaluationInput): Operand["value"] {
  const { value, elements } = arg.resolve(input);
  if (elements === undefined) return value;
  throw filterError("A function does not take the elements of a list.", arg.position);
}
