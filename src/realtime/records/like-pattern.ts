/** A part of a pattern between two `%`. */
type Segment = string | RegExp;

/** Where a segment must match: the whole text, its start, its end, or anywhere between. */
type Role = "whole" | "start" | "middle" | "end";

/**
 * A pattern of SQLite's `LIKE` with the escape character `\`, prepared for many texts. `%` stands for any characters, `_` for
 * one code point. Texts and patterns are in lower case.
 *
 * The segments between two `%` are looked for from left to right, each at its first place after the segment before it. No
 * other places need to be tried, so the work grows with the length of the text times the length of a segment.
 */
export class LikePattern {
  /** Length of the longest segment in the pattern. */
  readonly longest: number;
  readonly #segments: readonly Segment[];

  private constructor(segments: readonly Segment[], longest: number) {
    this.#segments = segments;
    this.longest = longest;
  }

  /** Undefined if the pattern ends within an escape: it matches nothing. */
  static parse(pattern: string): LikePattern | undefined {
    const parts = splitPattern(pattern);
    if (parts === undefined) return undefined;
    const needed = parts.filter((part, index) => part.length > 0 || isAnchor(index, parts.length));
    const segments = needed.map((part, index) => toSegment(part, roleOf(index, needed.length)));
    return new LikePattern(segments, Math.max(...parts.map(({ length }) => length)));
  }

  matches(text: string): boolean {
    const segments = this.#segments;
    const [first = ""] = segments;
    if (segments.length === 1) return isWhole(text, first);
    let position = findEnd(text, first, 0, "start");
    for (let index = 1; index < segments.length - 1 && position !== -1; index++) {
      position = findEnd(text, segments[index] ?? "", position, "middle");
    }
    return position !== -1 && findEnd(text, segments.at(-1) ?? "", position, "end") !== -1;
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
  return [...parts, part];
}

/** The first and the last part are anchors. Other parts are empty only between two adjacent `%`, and match everywhere. */
function isAnchor(index: number, count: number): boolean {
  return index === 0 || index === count - 1;
}

function roleOf(index: number, count: number): Role {
  if (count === 1) return "whole";
  if (index === 0) return "start";
  return index === count - 1 ? "end" : "middle";
}

function toSegment(part: readonly PatternCharacter[], role: Role): Segment {
  if (!part.includes(null)) return part.join("");
  // A regular expression of fixed length: it can't backtrack.
  const source = part
    .map((character) =>
      character === null ? "[^]" : character.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&"),
    )
    .join("");
  if (role === "whole") return new RegExp(`^${source}$`, "u");
  if (role === "start") return new RegExp(source, "uy");
  return new RegExp(role === "end" ? `${source}$` : source, "ug");
}

function isWhole(text: string, segment: Segment): boolean {
  return typeof segment === "string" ? text === segment : segment.test(text);
}

/** Returns the index after the first place of a segment from `from` on, or -1. */
function findEnd(text: string, segment: Segment, from: number, role: Role): number {
  if (typeof segment !== "string") {
    segment.lastIndex = from;
    return segment.test(text) ? (role === "end" ? text.length : segment.lastIndex) : -1;
  }
  if (role === "start") return text.startsWith(segment) ? segment.length : -1;
  if (role === "end") {
    return text.length - segment.length >= from && text.endsWith(segment) ? text.length : -1;
  }
  const start = text.indexOf(segment, from);
  return start === -1 ? -1 : start + segment.length;
}
