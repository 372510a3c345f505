import type { Milliseconds } from "../../realtime/units.ts";

/** Cached answers. Beyond this number, the oldest answer is dropped. */
const MAX_ANSWERS = 10_000;
/** Characters of all cached answers. Beyond this number, the oldest answers are dropped. */
const MAX_CHARACTERS = 8 * 1024 * 1024;

/** An answer, and when its question was asked. */
export interface CachedAnswer {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly askedAt: number;
  /** Monotonic time until which the answer is used. */
  readonly until: Milliseconds;
}

/** Answers by the hash of their question. */
export class AnswerCache {
  readonly #answers = new Map<string, CachedAnswer>();
  #characters = 0;

  get(key: string, monotonicNow: Milliseconds): CachedAnswer | undefined {
    const answer = this.#answers.get(key);
    return answer !== undefined && monotonicNow < answer.until ? answer : undefined;
  }

  set(key: string, answer: CachedAnswer): void {
    this.#remove(key);
    this.#answers.set(key, answer);
    this.#characters += answer.text.length;
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= MAX_ANSWERS && this.#characters <= MAX_CHARACTERS) break;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    this.#characters -= this.#answers.get(key)?.text.length ?? 0;
    this.#answers.delete(key);
  }
}
