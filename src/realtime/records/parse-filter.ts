import { filterError } from "./filter-error.ts";
import { MAX_CALL_DEPTH, MAX_COMPARISONS, MAX_DEPTH, MAX_FILTER_LENGTH } from "./limits.ts";
import { Scanner, type Token } from "./tokens.ts";

/** One side of a comparison, or an argument of a function. */
export type Term =
  | { readonly kind: "name"; readonly text: string; readonly position: number }
  | { readonly kind: "text"; readonly text: string; readonly position: number }
  | { readonly kind: "number"; readonly value: number; readonly position: number }
  | CallTerm;

/** A function call. */
export interface CallTerm {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly Term[];
  readonly position: number;
}

export type Operator = "=" | "!=" | ">" | ">=" | "<" | "<=" | "~" | "!~";

/** A comparison of two terms. */
export interface ComparisonNode {
  readonly kind: "comparison";
  readonly left: Term;
  readonly operator: Operator;
  /** Whether the operator has a `?`: one element of a list suffices. */
  readonly isAny: boolean;
  readonly right: Term;
}

/** A parsed filter. */
export type FilterNode =
  | ComparisonNode
  /** True if all parts (`&&`) or at least one part (`||`) are true. */
  | { readonly kind: "&&" | "||"; readonly parts: readonly FilterNode[] };

/**
 * Parses a filter.
 *
 * @throws RealtimeError `invalid_filter`, also when the filter is too long, too deep or has too many comparisons.
 */
export function parseFilter(text: string): FilterNode {
  if (text.length > MAX_FILTER_LENGTH) {
    throw filterError(`A filter has at most ${MAX_FILTER_LENGTH} characters.`, MAX_FILTER_LENGTH);
  }
  return new Parser(text).parse(0, text.length, 0);
}

class Parser {
  readonly #text: string;
  #comparisons = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Parses a list of comparisons and groups with `&&` or `||` between them. `&&` binds more strongly. */
  parse(start: number, end: number, depth: number): FilterNode {
    if (depth > MAX_DEPTH)
      throw filterError(`At most ${MAX_DEPTH} brackets may be open.`, start - 1);
    const scanner = new Scanner(this.#text, start, end);
    const alternatives: FilterNode[] = [];
    let parts: FilterNode[] = [];
    let token = scanner.next();
    for (;;) {
      parts.push(this.#part(token, scanner, depth));
      const join = scanner.next();
      if (join.kind === "end") break;
      if (join.kind !== "join") throw filterError("Expected && or ||.", join.position);
      if (join.text === "||") {
        alternatives.push(joined("&&", parts));
        parts = [];
      }
      token = scanner.next();
    }
    alternatives.push(joined("&&", parts));
    return joined("||", alternatives);
  }

  #part(token: Token, scanner: Scanner, depth: number): FilterNode {
    if (token.kind === "group") return this.parse(token.start, token.end, depth + 1);
    const left = this.#term(token, 1);
    const operator = scanner.next();
    if (operator.kind !== "operator") {
      throw filterError("Expected an operator such as = or ~.", operator.position);
    }
    const right = this.#term(scanner.next(), 1);
    this.#comparisons += 1;
    if (this.#comparisons > MAX_COMPARISONS) {
      throw filterError(`A filter has at most ${MAX_COMPARISONS} comparisons.`, left.position);
    }
    const isAny = operator.text.startsWith("?");
    return {
      kind: "comparison",
      left,
      // The scanner returns only known operators.
      operator: (isAny ? operator.text.slice(1) : operator.text) as Operator,
      isAny,
      right,
    };
  }

  #term(token: Token, callDepth: number): Term {
    switch (token.kind) {
      case "name":
        return { kind: "name", text: token.text, position: token.position };
      case "text":
      case "number":
        return token;
      case "call":
        return this.#call(token, callDepth);
      default:
        throw filterError("Expected a field, a text or a number.", token.position);
    }
  }

  /** Parses a call. A comma may follow the last argument. */
  #call(call: Extract<Token, { kind: "call" }>, callDepth: number): CallTerm {
    const { text: name, start, end, position } = call;
    if (callDepth > MAX_CALL_DEPTH) {
      throw filterError(`At most ${MAX_CALL_DEPTH} calls may be nested.`, position);
    }
    const scanner = new Scanner(this.#text, start, end);
    const args: Term[] = [];
    for (let token = scanner.next(); token.kind !== "end"; token = scanner.next()) {
      args.push(this.#term(token, callDepth + 1));
      const comma = scanner.next();
      if (comma.kind === "end") break;
      if (comma.kind !== "comma") throw filterError("Expected a comma.", comma.position);
    }
    return { kind: "call", name, args, position };
  }
}

function joined(kind: "&&" | "||", parts: readonly FilterNode[]): FilterNode {
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only : { kind, parts };
}
