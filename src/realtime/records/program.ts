import { filterError } from "./filter-error.ts";
import { type FilterNode, type Operator, parseFilter } from "./parse-filter.ts";
import { type CompiledTerm, compileTerm } from "./terms.ts";

/**
 * `client`: a filter in a subscription's options. It may not use `@request`, hidden fields, or an email that is not visible.
 * `rule`: a collection's access rule.
 */
export type FilterMode = "client" | "rule";

/** A compiled comparison. The numbers are indexes in `Program.terms`. */
export interface CompiledComparison {
  readonly kind: "comparison";
  /** Number of the comparison in the filter, from 0. */
  readonly index: number;
  readonly left: number;
  readonly operator: Operator;
  readonly isAny: boolean;
  readonly right: number;
  /** Whether the comparison reads the email of the record. */
  readonly readsEmail: boolean;
}

export type CompiledNode =
  | CompiledComparison
  | { readonly kind: "&&" | "||"; readonly parts: readonly CompiledNode[] };

/** A compiled filter or rule. */
export interface Program {
  readonly mode: FilterMode;
  /** The distinct terms. */
  readonly terms: readonly CompiledTerm[];
  readonly root: CompiledNode;
}

/** @throws RealtimeError `invalid_filter`. */
export function compileProgram(text: string, mode: FilterMode): Program {
  if (mode === "client") refuseRequest(text);
  const compiler = new Compiler();
  const root = compiler.compile(parseFilter(text));
  return { mode, terms: compiler.terms, root };
}

/** PocketBase refuses these names even within a text (apis/realtime.go, `realtimeCanAccessRecord`). */
function refuseRequest(text: string): void {
  const position = text.search(/@request\.|@collection\./);
  if (position === -1) return;
  throw filterError(
    "A client's filter may contain neither @request. nor @collection., not even within a text. Use them in a rule.",
    position,
  );
}

/** Compiles the nodes of a filter, and collects its distinct terms. */
class Compiler {
  readonly terms: CompiledTerm[] = [];
  readonly #indexes = new Map<string, number>();
  #comparisons = 0;

  compile(node: FilterNode): CompiledNode {
    if (node.kind !== "comparison") {
      return { kind: node.kind, parts: node.parts.map((part) => this.compile(part)) };
    }
    const left = this.#add(compileTerm(node.left));
    const right = this.#add(compileTerm(node.right));
    const index = this.#comparisons;
    this.#comparisons += 1;
    const { operator, isAny } = node;
    const readsEmail = [left, right].some(({ term }) =>
      term.fields.some(({ path }) => path[0] === "email"),
    );
    return {
      kind: "comparison",
      index,
      left: left.index,
      operator,
      isAny,
      right: right.index,
      readsEmail,
    };
  }

  #add(term: CompiledTerm): { readonly index: number; readonly term: CompiledTerm } {
    // The text of a call is without its arguments, which may differ between calls.
    const key = term.text.endsWith("()") ? `${term.position} ${term.text}` : term.text;
    const index = this.#indexes.get(key) ?? this.terms.push(term) - 1;
    this.#indexes.set(key, index);
    return { index, term };
  }
}
