import type { FilterNode, Member, Operand, Operator } from "./tree.ts";

/** A text that this parser does not read. The filter may be valid in PocketBase nevertheless. */
export class Unparsed extends Error {}

const SPACE = /(?:[ \t\n]|\/\/[^\n]*)*/y;
const TEXT = /'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"/sy;
const NUMBER = /-?\d+(?:\.\d+)?(?![\w.])|-\.\d+(?![\w.])/y;
const NAME = /[A-Za-z@_](?:[\w.:]*\w)?(?![\w.:])/y;
const OPERATOR = /\??(?:!=|!~|>=|<=|[=~<>])(?![=~<>!?])/y;
const JOIN = /(?:&&|\|\|)(?![&|])/y;
const BRACKET = /[(),]/y;

const ESCAPED: Readonly<Record<string, string>> = { "\\\\": "\\", "\\n": "\n", '\\"': '"' };

/**
 * Reads the plain part of the grammar, for filters that are given as a text. It is a second reading of the grammar, so it shares no
 * code with the service.
 */
export function parseFilter(text: string): FilterNode {
  const reader = new Reader(text);
  const members = readMembers(reader);
  if (!reader.atEnd()) throw new Unparsed(`nothing expected at ${reader.position}`);
  return { kind: "group", members };
}

class Reader {
  position = 0;
  /** How many groups are open. PocketBase looks for their ends in comments, too. */
  depth = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    this.take(SPACE);
  }

  /** Takes what the pattern matches here, and the space behind it. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return undefined;
    this.position += found.length;
    if (pattern === SPACE && this.depth > 0 && found.includes("//")) {
      throw new Unparsed(`a comment in brackets at ${this.position}`);
    }
    if (pattern !== SPACE) this.take(SPACE);
    return found;
  }

  takes(bracket: "(" | ")" | ","): boolean {
    if (this.#text[this.position] !== bracket) return false;
    return this.take(BRACKET) !== undefined;
  }

  opensGroup(): boolean {
    this.depth += 1;
    const opens = this.takes("(");
    if (!opens) this.depth -= 1;
    return opens;
  }

  closesGroup(): boolean {
    this.depth -= 1;
    return this.takes(")");
  }

  /** Whether the next character, with no space in front of it, opens a bracket. */
  touchesBracket(name: string): boolean {
    return this.#text[this.position] === "(" && this.#text.slice(0, this.position).endsWith(name);
  }

  atEnd(): boolean {
    return this.position === this.#text.length;
  }
}

function readMembers(reader: Reader): Member[] {
  const members: Member[] = [{ join: "&&", node: readNode(reader) }];
  for (let join = reader.take(JOIN); join !== undefined; join = reader.take(JOIN)) {
    members.push({ join: join === "||" ? "||" : "&&", node: readNode(reader) });
  }
  return members;
}

function readNode(reader: Reader): FilterNode {
  if (reader.opensGroup()) {
    const members = readMembers(reader);
    if (!reader.closesGroup()) throw new Unparsed(`a bracket is open at ${reader.position}`);
    return { kind: "group", members };
  }
  const left = readOperand(reader);
  const operator = reader.take(OPERATOR);
  if (operator === undefined) throw new Unparsed(`an operator is missing at ${reader.position}`);
  // OPERATOR matches exactly the members of Operator.
  return { kind: "comparison", left, operator: operator as Operator, right: readOperand(reader) };
}

function readOperand(reader: Reader): Operand {
  const text = reader.take(TEXT);
  if (text !== undefined) return { kind: "text", value: unquoted(text) };
  const digits = reader.take(NUMBER);
  if (digits !== undefined) return { kind: "number", digits };
  const name = reader.take(NAME);
  if (name === undefined) throw new Unparsed(`an operand is missing at ${reader.position}`);
  if (!reader.touchesBracket(name)) return { kind: "name", name };
  reader.takes("(");
  const args: Operand[] = [];
  while (!reader.takes(")")) {
    args.push(readOperand(reader));
    if (reader.takes(",")) continue;
    if (!reader.takes(")")) throw new Unparsed(`a comma is missing at ${reader.position}`);
    break;
  }
  return { kind: "call", name, args };
}

/** Double quotes have the escapes of the SDK. Single quotes have one escape: their own quote. */
function unquoted(quoted: string): string {
  const inside = quoted.slice(1, -1);
  if (quoted.startsWith("'")) return inside.replaceAll("\\'", "'");
  return inside.replace(/\\./gs, (escaped) => ESCAPED[escaped] ?? escaped);
}
