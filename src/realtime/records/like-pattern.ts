/** A part of a pattern: the text before the first `%`, between two `%`, or after the last `%`. */
type Segment = string | WildSegment;

/** A segment with `_`. */
interface WildSegment {
  /** A text stands for itself. A number stands for that many code points, whatever they are. */
  readonly pieces: readonly (string | number)[];
  /** Number of code points. */
  readonly length: number;
}

/**
 * A pattern of SQLite's `LIKE` with the escape character `\`, prepared for many texts. `%` stands for any characters, `_` for
 * one code point. Texts and patterns are in lower case.
 *
 * The segments between two `%` are looked for from left to right, each at its first place after the segment before it. No
 * other places need to be tried, so the work grows with the length of the text times the length of a segment.
 */
export class LikePattern {
  /** Length of the longest segment without `_`, in UTF-16 code units. */
  readonly longest: number;
  /** Length of the longest segment with `_` between two `%`, in code points. The text is compared with it at every place. */
  readonly longestWild: number;
  readonly #segments: readonly Segment[];

  private constructor(segments: readonly Segment[]) {
    this.#segments = segments;
    let [longest, longestWild] = [0, 0];
    for (const [index, segment] of segments.entries()) {
      if (typeof segment === "string") longest = Math.max(longest, segment.length);
      else if (index > 0 && index < segments.length - 1) {
        longestWild = Math.max(longestWild, segment.length);
      }
    }
    this.longest = longest;
    this.longestWild = longestWild;
  }

  /** Parses a pattern. Undefined if the pattern ends within an escape: such a pattern matches nothing. */
  static parse(pattern: string): LikePattern | undefined {
    const parts = splitPattern(pattern);
    if (parts === undefined) return undefined;
    const needed = parts.filter((part, index) => part.length > 0 || isAnchor(index, parts.length));
    return new LikePattern(needed.map(toSegment));
  }

  matches(text: string): boolean {
    const segments = this.#segments;
    const [first = ""] = segments;
    let position = matchAt(text, first, 0);
    if (segments.length === 1) return position === text.length;
    for (let index = 1; index < segments.length - 1 && position !== -1; index++) {
      position = findEnd(text, segments[index] ?? "", position);
    }
    return position !== -1 && endsWith(text, segments.at(-1) ?? "", position);
  }
}

/** One character of a pattern; null stands for any one code point. */
type PatternCharacter = string | null;

/** Splits at each unescaped `%`. */
function splitPattern(pattern: string): PatternCharacter[][] | undefined {
  const parts: PatternCharacter[][] = [];
  let part: PatternCharacter[] = [];
  const characters = [...pattern];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] ?? "";
    if (character === "%") {
      parts.push(part);
      part = [];
    } else if (character === "\\") {
      index += 1;
      const escaped = characters[index];
      if (escaped === undefined) return undefined;
      part.push(escaped);
    } else {
      part.push(character === "_" ? null : character);
    }
  }
  parts.push(part);
  return parts;
}

/** The first and the last part are anchors. Other parts are empty only between two adjacent `%`, and match everywhere. */
function isAnchor(index: number, count: number): boolean {
  return index === 0 || index === count - 1;
}

function toSegment(part: readonly PatternCharacter[]): Segment {
  if (!part.includes(null)) return part.join("");
  const pieces: (string | number)[] = [];
  for (const character of part) {
    const last = pieces.at(-1);
    if (character === null) {
      if (typeof last === "number") pieces[pieces.length - 1] = last + 1;
      else pieces.push(1);
    } else if (typeof last === "string") pieces[pieces.length - 1] = last + character;
    else pieces.push(character);
  }
  return { pieces, length: part.length };
}

/** Returns the index after a segment that begins at `start`, or -1. */
function matchAt(text: string, segment: Segment, start: number): number {
  if (typeof segment === "string") {
    return text.startsWith(segment, start) ? start + segment.length : -1;
  }
  let position = start;
  for (const piece of segment.pieces) {
    if (typeof piece === "number") {
      position = skip(text, position, piece);
      if (position === -1) return -1;
    } else {
      if (!text.startsWith(piece, position)) return -1;
      position += piece.length;
    }
  }
  return position;
}

/** Returns the index after the first place of a segment from `from` on, or -1. */
function findEnd(text: string, segment: Segment, from: number): number {
  if (typeof segment === "string") {
    const start = text.indexOf(segment, from);
    return start === -1 ? -1 : start + segment.length;
  }
  for (let start = from; start !== -1; start = skip(text, start, 1)) {
    const end = matchAt(text, segment, start);
    if (end !== -1) return end;
    // Each code point has at least one code unit.
    if (text.length - start < segment.length) return -1;
  }
  return -1;
}

/** Whether a text ends with a segment that begins at `from` or later. */
function endsWith(text: string, segment: Segment, from: number): boolean {
  if (typeof segment === "string") {
    return text.length - segment.length >= from && text.endsWith(segment);
  }
  let start = text.length;
  for (let count = 0; count < segment.length; count++) {
    start -= isPair(text, start - 2) ? 2 : 1;
    if (start < from) return false;
  }
  return matchAt(text, segment, start) === text.length;
}

/** Returns the index after `count` code points, or -1 if the text has fewer. */
function skip(text: string, start: number, count: number): number {
  let position = start;
  for (let left = count; left > 0; left--) {
    if (position >= text.length) return -1;
    position += isPair(text, position) ? 2 : 1;
  }
  return position;
}

/** Whether a code point of two UTF-16 code units begins at the index. */
function isPair(text: string, index: number): boolean {
  return (text.codePointAt(index) ?? 0) > 0xffff;
}
