/** The sequences of one name in the index, in rising or falling order. They are read in chunks. */
export class SequenceList {
  readonly #readAfter: (position: number) => readonly number[];
  #chunk: readonly number[] = [];
  #index = 0;
  #position: number;

  /**
   * @param readAfter Returns the next chunk: the sequences after a position, in the order of the list. Empty at the end.
   * @param position The position after which the list begins.
   */
  constructor(readAfter: (position: number) => readonly number[], position: number) {
    this.#readAfter = readAfter;
    this.#position = position;
  }

  /** Returns the next sequence after a position. Undefined at the end. A call must not have an earlier position than the last. */
  nextAfter(position: number | undefined): number | undefined {
    if (this.#index < this.#chunk.length && this.#chunk[this.#index] === position) this.#index += 1;
    if (this.#index >= this.#chunk.length) {
      this.#position = this.#chunk.at(-1) ?? this.#position;
      this.#chunk = this.#readAfter(this.#position);
      this.#index = 0;
    }
    return this.#chunk[this.#index];
  }
}

/** Merges lists in the same order into one list, in which each sequence occurs once. */
export class MergedSequences {
  /** The lists that are not at their end. */
  readonly #lists: SequenceList[];
  readonly #isRising: boolean;
  #last: number | undefined;

  constructor(lists: readonly SequenceList[], isRising: boolean) {
    this.#lists = [...lists];
    this.#isRising = isRising;
  }

  /** Returns the next `limit` sequences. Returns fewer when there are no further ones. */
  take(limit: number): number[] {
    const taken: number[] = [];
    while (taken.length < limit) {
      const next = this.#next();
      if (next === undefined) break;
      this.#last = next;
      taken.push(next);
    }
    return taken;
  }

  #next(): number | undefined {
    let next: number | undefined;
    for (let index = this.#lists.length - 1; index >= 0; index--) {
      const sequence = this.#lists[index]?.nextAfter(this.#last);
      if (sequence === undefined) this.#lists.splice(index, 1);
      else if (next === undefined || (this.#isRising ? sequence < next : sequence > next)) {
        next = sequence;
      }
    }
    return next;
  }
}
