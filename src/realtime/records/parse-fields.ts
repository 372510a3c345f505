import { RealtimeError } from "../errors.ts";
import { trimmedRange } from "./white-space.ts";

/** One entry of a `fields` option. */
export interface FieldPath {
  /** The names of the path; at least one. `expand.author.name` has three. */
  readonly names: readonly string[];
  /** Whether the last name is a `*` that stands for the other keys. */
  readonly wildcard: boolean;
  /** The arguments of `:excerpt`. */
  readonly excerpt?: { readonly max: number; readonly dots: boolean } | undefined;
}

/** Most characters (UTF-16 code units) of a `fields` option. */
const MAX_LENGTH = 2500;
/** Most paths of a `fields` option. */
const MAX_PATHS = 200;
/** Most names of a path. */
const MAX_DEPTH = 20;
/** Largest `max` of `:excerpt`, in code points. */
const MAX_EXCERPT = 1_000_000;

/**
 * Parses a `fields` option as PocketBase does (tools/picker/pick.go, tools/tokenizer/tokenizer.go). Empty entries are skipped.
 *
 * More is refused than in PocketBase: NUL, a text or path beyond the limits, and a number such as `0x10` or `5.5`.
 *
 * @throws {RealtimeError} `invalid_fields` with `position`
 */
export function parseFields(text: string): FieldPath[] {
  if (text.length > MAX_LENGTH) {
    fail(MAX_LENGTH, `has ${text.length} characters. Use at most ${MAX_LENGTH}`);
  }
  const nul = text.indexOf("\0");
  if (nul !== -1) fail(nul, `has a NUL character at position ${nul}. Remove it`);
  const entries = split(text, { start: 0, end: text.length }, { separators: ",", brackets: true });
  const excess = entries[MAX_PATHS];
  if (excess !== undefined) {
    fail(excess.start, `has ${entries.length} paths. Use at most ${MAX_PATHS}`);
  }
  return entries.map((entry) => parseEntry(text, entry));
}

/** A part of the text. */
interface Range {
  readonly start: number;
  readonly end: number;
}

interface SplitOptions {
  /** The characters that separate parts. */
  readonly separators: string;
  /** Whether separators in round brackets do not count. */
  readonly brackets: boolean;
}

const QUOTES = "'\"`";

/**
 * Splits a part of the text at separators outside quotes and brackets. Quotes stay in the parts. White space around a part is
 * removed, and empty parts are left out. A bracket or quote after a backslash is an ordinary character.
 */
function split(text: string, range: Range, options: SplitOptions): Range[] {
  const parts: Range[] = [];
  let partStart = range.start;
  let quoteAt = -1;
  let depth = 0;
  let bracketAt = -1;
  const endPart = (end: number) => {
    const [start, trimmedEnd] = trimmedRange(text, partStart, end);
    if (start < trimmedEnd) parts.push({ start, end: trimmedEnd });
    partStart = end + 1;
  };
  for (let at = range.start; at < range.end; at++) {
    const char = text.charAt(at);
    const escaped = at > partStart && text.charAt(at - 1) === "\\";
    if (quoteAt !== -1) {
      if (!escaped && char === text.charAt(quoteAt)) quoteAt = -1;
    } else if (!escaped && QUOTES.includes(char)) {
      quoteAt = at;
    } else if (!escaped && options.brackets && char === "(") {
      if (depth++ === 0) bracketAt = at;
    } else if (!escaped && options.brackets && char === ")") {
      depth = Math.max(0, depth - 1);
    } else if (depth === 0 && options.separators.includes(char)) {
      endPart(at);
    }
  }
  if (quoteAt !== -1) {
    fail(quoteAt, `has a quote at position ${quoteAt} that is not closed. Close or remove it`);
  }
  if (depth > 0) {
    fail(bracketAt, `has a bracket at position ${bracketAt} that is not closed. Add ")"`);
  }
  endPart(range.end);
  return parts;
}

function parseEntry(text: string, entry: Range): FieldPath {
  const colon = text.indexOf(":", entry.start);
  const pathEnd = colon === -1 ? entry.end : Math.min(colon, entry.end);
  const path = text.slice(entry.start, pathEnd);
  // As in PocketBase, a dot at the end has no effect, except that `*.` is a key and not a wildcard.
  const dotted = path.endsWith(".");
  const names = (dotted ? path.slice(0, -1) : path).split(".");
  if (names.length > MAX_DEPTH) {
    fail(
      entry.start,
      `has a path of ${names.length} names at position ${entry.start}. Use at most ${MAX_DEPTH}`,
    );
  }
  return {
    names,
    wildcard: !dotted && names.at(-1) === "*",
    excerpt:
      pathEnd === entry.end ? undefined : parseModifier(text, { start: pathEnd, end: entry.end }),
  };
}

/** Parses `:excerpt(max[,dots])`. The range starts with the colon. */
function parseModifier(text: string, range: Range): FieldPath["excerpt"] {
  const parts = split(
    text,
    { start: range.start + 1, end: range.end },
    { separators: "(), ", brackets: false },
  );
  const [name, max, dots, extra] = parts;
  const textOf = (part: Range) => text.slice(part.start, part.end);
  if (name === undefined || textOf(name) !== "excerpt") {
    const at = name?.start ?? range.start;
    const problem = name === undefined ? "no modifier after the colon" : "an unknown modifier";
    return fail(at, `has ${problem} at position ${at}. Use :excerpt(max) or :excerpt(max, true)`);
  }
  if (max === undefined) {
    return fail(name.start, `has :excerpt without a number at position ${name.start}. ${MAX_RULE}`);
  }
  if (extra !== undefined) {
    fail(
      extra.start,
      `has a third argument of :excerpt at position ${extra.start}. Use :excerpt(max) or :excerpt(max, true)`,
    );
  }
  const number = /^[1-9]\d{0,6}$/.test(textOf(max)) ? Number(textOf(max)) : Number.NaN;
  if (!(number <= MAX_EXCERPT)) {
    fail(max.start, `has a wrong number in :excerpt at position ${max.start}. ${MAX_RULE}`);
  }
  return { max: number, dots: dots !== undefined && TRUE.has(textOf(dots)) };
}

const MAX_RULE = `Write a whole number from 1 to ${MAX_EXCERPT}, as in :excerpt(100)`;

/** What Go's `strconv.ParseBool` takes for true. Everything else is false. */
const TRUE: ReadonlySet<string> = new Set(["1", "t", "T", "TRUE", "true", "True"]);

function fail(position: number, problem: string): never {
  throw new RealtimeError("invalid_fields", `The fields option ${problem}.`, { position });
}
