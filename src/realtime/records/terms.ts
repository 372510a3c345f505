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
  /** Equal for terms that have the same operand. */
  readonly text: string;
  /** Equal for terms that read the same field. If it is a list, they share its current element: `tags:each` and `tags.id`. */
  readonly listName: string;
  readonly position: number;
  /** The field of the record that the term names. */
  readonly field: FieldName | undefined;
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
        listName: "",
        position,
        field: undefined,
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
  return { text, listName: "", position, field: undefined, sources: [], resolve: () => operand };
}

function compileName(name: Name, text: string, position: number): CompiledTerm {
  switch (name.kind) {
    case "constant":
      return constant(text, position, parameterOperand(name.value));
    case "macro": {
      const resolve = ({ now }: EvaluationInput) => parameterOperand(valueOfMacro(name.name, now));
      return { text, listName: "", position, field: undefined, sources: [], resolve };
    }
    case "request": {
      const { source, field } = name;
      const resolve = ({ context, view }: EvaluationInput) =>
        requestOperand(source, field, context, view);
      const listName = `@request.${source}.${field.path[0]}`;
      return { text, listName, position, field: undefined, sources: [source], resolve };
    }
    default: {
      const { field } = name;
      const keyword = KEYWORDS.get(text.toLowerCase());
      const resolve = (input: EvaluationInput) => fieldOrKeyword(field, keyword, input);
      return { text, listName: field.path[0] ?? "", position, field, sources: [], resolve };
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
  if (hidesFields && view.collection.hidden?.includes(name)) {
    throw filterError(`The field "${name}" can't be used in a filter.`, field.position);
  }
  return view.operandOf(field);
}

function singleValue(arg: CompiledTerm, input: EvaluationInput): Operand["value"] {
  const { value, elements } = arg.resolve(input);
  if (elements === undefined) return value;
  throw filterError("A function does not take the elements of a list.", arg.position);
}
