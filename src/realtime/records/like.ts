import { LikePattern } from "./like-pattern.ts";
import type { Operand } from "./operand.ts";
import { lowerASCII, textOf, type Value } from "./values.ts";

/** Characters that count as one step of an evaluation. */
const CHARACTERS_PER_STEP = 64;

/** Patterns that a filter keeps. A pattern that is a field has another text in each record. */
const MAX_PATTERNS = 64;

/** The patterns of one filter, prepared for many records. */
export class PatternCache {
  /** By the text of the pattern. */
  readonly patterns: Map<string, LikePattern | undefined> = new Map();
  /** The texts of the patterns that are made of parameters, by the text of the parameter. */
  readonly ofParameters: Map<string, string> = new Map();
}

/** The lower-case texts of one record, which all filters share. */
export type LowerCaseCache = Map<string, string>;

/** The operator `~` of one evaluation. */
export class LikeMatcher {
  readonly #cache: PatternCache;
  readonly #texts: LowerCaseCache;
  readonly #spend: (steps: number) => void;

  /** @param spend Called with the number of steps before the work is done. May throw, to end the evaluation. */
  constructor(cache: PatternCache, texts: LowerCaseCache, spend: (steps: number) => void) {
    this.#cache = cache;
    this.#texts = texts;
    this.#spend = spend;
  }

  /** Whether the left value is like the right value. Null if one of them is null. */
  matches(left: Operand, a: Value, right: Operand, b: Value): boolean | null {
    const text = textOf(a, left.isReal);
    const patternText = this.#patternTextOf(right, b);
    if (text === null || patternText === null) return null;
    const pattern = this.#patternOf(patternText);
    if (pattern === undefined) return false;
    const comparisons = text.length * Math.ceil((pattern.longest + 1) / CHARACTERS_PER_STEP);
    this.#spend(Math.floor(comparisons / CHARACTERS_PER_STEP));
    return pattern.matches(this.#lower(text));
  }

  #patternOf(text: string): LikePattern | undefined {
    const { patterns } = this.#cache;
    if (!patterns.has(text)) {
      this.#spend(Math.floor(text.length / CHARACTERS_PER_STEP));
      if (patterns.size >= MAX_PATTERNS) patterns.clear();
      patterns.set(text, LikePattern.parse(lowerASCII(text)));
    }
    return patterns.get(text);
  }

  /** Returns the pattern that PocketBase makes of the right side (tools/search/filter.go, `wrapLikeParams`). */
  #patternTextOf(right: Operand, value: Value): string | null {
    if (right.likeAs === "pattern") return textOf(value, right.isReal);
    if (right.likeAs === "column") {
      const text = textOf(value, right.isReal);
      return text === null ? null : `%${text}%`;
    }
    // Go writes a number without an exponent, and without a fraction if the number is integral.
    const plain = typeof value === "number" ? plainNumber(value) : (value ?? "");
    const text = right.likeText ?? plain;
    const { ofParameters } = this.#cache;
    let pattern = ofParameters.get(text);
    if (pattern === undefined) {
      pattern = hasUnescapedPercent(text) ? text : `%${escapeSpecials(text)}%`;
      if (ofParameters.size >= MAX_PATTERNS) ofParameters.clear();
      ofParameters.set(text, pattern);
    }
    return pattern;
  }

  #lower(text: string): string {
    let lower = this.#texts.get(text);
    if (lower === undefined) {
      lower = lowerASCII(text);
      this.#texts.set(text, lower);
    }
    return lower;
  }
}

function plainNumber(value: number): string {
  return Number.isInteger(value) ? BigInt(value).toString() : String(value);
}

/** PocketBase's `containsUnescapedChar`. */
function hasUnescapedPercent(text: string): boolean {
  let isEscaped = false;
  for (const character of text) {
    if (character === "%" && !isEscaped) return true;
    isEscaped = character === "\\" && !isEscaped;
  }
  return false;
}

/**
 * PocketBase's `escapeUnescapedChars`: puts a backslash before each `\`, `%` and `_` that has none before it. Goes from the
 * end to the start. After a special character it only looks for the backslash before it, so of adjacent special characters
 * only every second one is escaped.
 */
function escapeSpecials(text: string): string {
  const characters = [...text];
  const reversed: string[] = [];
  let isPending = false;
  for (let index = characters.length - 1; index >= 0; index--) {
    const character = characters[index] ?? "";
    if (isPending) {
      if (character !== "\\") reversed.push("\\");
      isPending = false;
    } else {
      isPending = character === "\\" || character === "%" || character === "_";
    }
    reversed.push(character);
    if (index === 0 && isPending) reversed.push("\\");
  }
  return reversed.reverse().join("");
}
