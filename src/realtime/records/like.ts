import { LikePattern } from "./like-pattern.ts";
import { CHARACTERS_PER_STEP } from "./limits.ts";
import type { Operand } from "./operand.ts";
import { lowerASCII, textOf, type Value } from "./values.ts";

/** The right side of `~`, prepared for many texts. */
interface Prepared {
  readonly value: Value;
  /** Undefined if the pattern matches nothing. */
  readonly pattern: LikePattern | undefined;
  /** Length of the pattern, in UTF-16 code units. */
  readonly length: number;
}

/**
 * The last pattern of each operand. The operand of a literal lives as long as its filter, and that of a field as long as the
 * record, so a filter keeps no texts of records.
 */
const PREPARED = new WeakMap<Operand, Prepared>();

/** The lower-case texts of one record, which all filters share. */
export type LowerCaseCache = Map<string, string>;

/** The operator `~` of one evaluation. */
export class LikeMatcher {
  readonly #texts: LowerCaseCache;
  readonly #spend: (steps: number) => void;
  #last: Prepared | undefined;

  /** @param spend Called with the number of steps before the work is done. May throw, to end the evaluation. */
  constructor(texts: LowerCaseCache, spend: (steps: number) => void) {
    this.#texts = texts;
    this.#spend = spend;
  }

  /** Whether the left value is like the right value. Null if one of them is null. */
  matches(left: Operand, a: Value, right: Operand, b: Value): boolean | null {
    const text = textOf(a, left.isReal);
    if (text === null) return null;
    const prepared = this.#prepare(right, b);
    if (prepared === undefined) return null;
    const { pattern } = prepared;
    if (pattern === undefined) return false;
    // The JavaScript engine compares many characters at a time when it searches for a text without `_`.
    const wild = Math.min(pattern.longestWild, text.length);
    const perCharacter = Math.ceil((pattern.longest + 1) / CHARACTERS_PER_STEP) + wild;
    this.#spend(Math.floor((text.length * perCharacter) / CHARACTERS_PER_STEP));
    return pattern.matches(this.#lower(text));
  }

  /** Returns the pattern of the right side. Undefined if it is null. */
  #prepare(right: Operand, value: Value): Prepared | undefined {
    let prepared = PREPARED.get(right);
    if (prepared === undefined || prepared.value !== value) {
      const text = patternTextOf(right, value);
      if (text === null) return undefined;
      this.#spendOn(text.length);
      prepared = { value, pattern: LikePattern.parse(lowerASCII(text)), length: text.length };
      PREPARED.set(right, prepared);
    } else if (prepared !== this.#last) {
      // The steps of an evaluation must not depend on earlier evaluations: a replay must decide as the delivery did.
      this.#spendOn(prepared.length);
    }
    this.#last = prepared;
    return prepared;
  }

  #spendOn(length: number): void {
    this.#spend(Math.floor(length / CHARACTERS_PER_STEP));
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

/** Returns the pattern that PocketBase makes of the right side (tools/search/filter.go, `wrapLikeParams`). */
function patternTextOf(right: Operand, value: Value): string | null {
  if (right.likeAs !== "parameter") {
    const text = textOf(value, right.isReal);
    return text === null || right.likeAs === "pattern" ? text : `%${text}%`;
  }
  // Go writes a number without an exponent, and without a fraction if the number is integral.
  const text = right.likeText ?? (typeof value === "number" ? plainNumber(value) : (value ?? ""));
  return hasUnescapedPercent(text) ? text : `%${escapeSpecials(text)}%`;
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
