import { filterError } from "./filter-error.ts";

/** A part of a filter. */
export type Token =
  | {
      readonly kind: "name" | "operator" | "join";
      readonly text: string;
      readonly position: number;
    }
  | { readonly kind: "text"; readonly text: string; readonly position: number }
  | { readonly kind: "number"; readonly value: number; readonly position: number }
  /** A function's name and the range of its arguments, without the brackets. */
  | {
      readonly kind: "call";
      readonly text: string;
      readonly start: number;
      readonly end: number;
      readonly position: number;
    }
  /** The range of the text between two brackets. */
  | {
      readonly kind: "group";
      readonly start: number;
      readonly end: number;
      readonly position: number;
    }
  | { readonly kind: "comma" | "end"; readonly position: number };

const OPERATORS: ReadonlySet<string> = new Set(
  ["=", "!=", ">", ">=", "<", "<=", "~", "!~"].flatMap((operator) => [operator, `?${operator}`]),
);

const WHITESPACE = /[ \t\n]*/y;
const COMMENT = /\/\/[^\n]*/y;
const NAME = /[A-Za-z@_#][\w.:]*/y;
const NUMBER = /-?\.?\d[\d.]*/y;
const OPERATOR = /[=!<>~?]+/y;
const JOIN = /[&|]+/y;

/**
 * Splits a part of a filter into tokens. Follows the grammar of PocketBase's parser (github.com/ganigeorgiev/fexpr,
 * scanner.go), version 0.6.
 */
export class Scanner {
  readonly #text: string;
  readonly #end: number;
  #position: number;

  /** @param end Index at which the part ends. */
  constructor(text: string, start: number, end: number) {
    this.#text = text;
    this.#position = start;
    this.#end = end;
  }

  /** @throws RealtimeError `invalid_filter`. */
  next(): Token {
    this.#skipSpace();
    const position = this.#position;
    if (position >= this.#end) return { kind: "end", position };
    const name = this.#match(NAME);
    if (name !== undefined) return this.#name(name, position);
    const number = this.#match(NUMBER);
    if (number !== undefined)
      return { kind: "number", value: numberOf(number, position), position };
    const operator = this.#match(OPERATOR);
    if (operator !== undefined) {
      if (OPERATORS.has(operator)) return { kind: "operator", text: operator, position };
      throw filterError(`"${operator}" is not an operator.`, position);
    }
    const join = this.#match(JOIN);
    if (join !== undefined) {
      if (join === "&&" || join === "||") return { kind: "join", text: join, position };
      throw filterError(`"${join}" is not an operator. Use && or ||.`, position);
    }
    const character = this.#text[position];
    if (character === "'" || character === '"') {
      this.#position = endOfText(this.#text, position, this.#end);
      return { kind: "text", text: unquote(this.#text.slice(position, this.#position)), position };
    }
    if (character === "(") {
      this.#position = this.#endOfGroup(position);
      return { kind: "group", start: position + 1, end: this.#position - 1, position };
    }
    if (character === ",") {
      this.#position += 1;
      return { kind: "comma", position };
    }
    throw filterError(`Unexpected character ${JSON.stringify(character)}.`, position);
  }

  #name(name: string, position: number): Token {
    if (/[.:]$/.test(name) || /^[@#]$/.test(name)) {
      throw filterError(`"${name}" is not a complete name.`, position);
    }
    if (this.#text[this.#position] !== "(" || this.#position >= this.#end) {
      return { kind: "name", text: name, position };
    }
    const start = this.#position + 1;
    this.#position = this.#endOfGroup(this.#position);
    return { kind: "call", text: name, start, end: this.#position - 1, position };
  }

  #skipSpace(): void {
    do this.#match(WHITESPACE);
    while (this.#match(COMMENT) !== undefined);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined || found === "") return undefined;
    // A group ends within the text, so a match may reach beyond the end of the part.
    const within = found.slice(0, this.#end - this.#position);
    this.#position += within.length;
    return within === "" ? undefined : within;
  }

  /**
   * Finds the end of a group. As in PocketBase, comments are not recognised here, so a bracket or quote in a comment counts.
   *
   * @param start Index of the opening bracket.
   * @returns the index after the closing bracket.
   */
  #endOfGroup(start: number): number {
    let depth = 0;
    for (let index = start; index < this.#end; index++) {
      const character = this.#text[index];
      if (character === "(") depth += 1;
      else if (character === ")") depth -= 1;
      else if (character === "'" || character === '"') {
        index = endOfText(this.#text, index, this.#end) - 1;
      }
      if (depth === 0) return index + 1;
    }
    throw filterError("This bracket is not closed.", start);
  }
}

function numberOf(text: string, position: number): number {
  // PocketBase refuses `.5`, but accepts `-.5`.
  if (text.startsWith(".") || text.endsWith(".") || text.split(".").length > 2) {
    throw filterError(`"${text}" is not a number. Write it as 1, -1 or 1.5.`, position);
  }
  return Number(text);
}

/**
 * Finds the end of a text.
 *
 * @param start Index of the opening quote.
 * @returns the index after the closing quote.
 */
function endOfText(text: string, start: number, end: number): number {
  const quote = text[start];
  for (let index = start + 1; index < end; index++) {
    const character = text[index];
    if (character === quote) return index + 1;
    // Between double quotes, a backslash escapes any character. Between single quotes it escapes only the quote.
    if (character === "\\" && (quote === '"' || text[index + 1] === quote)) index += 1;
  }
  throw filterError(`The text that begins here has no closing ${quote}.`, start);
}

const DOUBLE_QUOTE_ESCAPES: Readonly<Record<string, string>> = {
  "\\\\": "\\",
  '\\"': '"',
  "\\n": "\n",
};

/**
 * Decodes a text with its quotes. `pb.filter` of PocketBase's SDK writes JSON strings since version 0.27.2. Earlier versions
 * write single quotes and escape only these. An unknown escape keeps its backslash: `\%` is an escape of the operator `~`.
 */
function unquote(quoted: string): string {
  const text = quoted.slice(1, -1);
  if (!text.includes("\\")) return text;
  if (quoted.startsWith("'")) return text.replaceAll("\\'", "'");
  return text.replace(/\\[\s\S]/g, (escaped) => DOUBLE_QUOTE_ESCAPES[escaped] ?? escaped);
}
