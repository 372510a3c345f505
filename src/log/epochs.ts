/** One epoch of a log: a time in which the log has numbered its messages without a break. */
export interface Epoch {
  /** A random name (`newEpoch`), which no other epoch has. */
  readonly name: string;
  /** Sequence of the newest message when the epoch began, 0 in a new log. The first message of the epoch has the next number. */
  readonly start: number;
}

/**
 * The epochs of a log, oldest first. A log that may have lost its newest messages begins a new epoch, because other messages
 * then get the sequences of the lost ones. A cursor is an epoch and a sequence. The cursor names a position of the log if its
 * sequence is not after the start of the next epoch: messages that came later in the cursor's epoch are lost.
 *
 * @example
 * const chain = new EpochChain([{ name: "a", start: 0 }]);
 * chain.begin({ name: "b", start: 100 });
 * chain.endOf("a"); // 100: a cursor with the sequence 101 in the epoch "a" names a message that is lost
 */
export class EpochChain {
  readonly #epochs: Epoch[];

  /** @param epochs Oldest first, at least one, with starts that never fall. */
  constructor(epochs: readonly [Epoch, ...Epoch[]]) {
    this.#epochs = [...epochs];
  }

  get all(): readonly Epoch[] {
    return this.#epochs;
  }

  /** The current epoch. */
  get newest(): Epoch {
    // The cast: there is always at least one epoch.
    return this.#epochs.at(-1) as Epoch;
  }

  /**
   * Begins a new epoch. If there are more than `MAX_EPOCHS`, the oldest are forgotten: their cursors no longer name positions.
   *
   * @returns The forgotten epochs.
   */
  begin(epoch: Epoch): Epoch[] {
    this.#epochs.push(epoch);
    return this.#epochs.splice(0, this.#epochs.length - MAX_EPOCHS);
  }

  /**
   * Returns the name of the epoch in which the message with this sequence was appended. If that epoch is forgotten, returns the
   * name of the oldest epoch.
   */
  nameOf(sequence: number): string {
    if (sequence > this.newest.start) return this.newest.name;
    return this.#epochs.findLast(({ start }) => start < sequence)?.name ?? this.#oldest.name;
  }

  /**
   * Returns the last sequence of an epoch that is a position of this log: the start of the next epoch. Infinity for the newest
   * epoch. Undefined for an epoch that is not in the chain.
   */
  endOf(name: string): number | undefined {
    if (name === this.newest.name) return Number.POSITIVE_INFINITY;
    const index = this.#epochs.findIndex((epoch) => epoch.name === name);
    return index === -1 ? undefined : this.#epochs[index + 1]?.start;
  }

  get #oldest(): Epoch {
    // The cast: there is always at least one epoch.
    return this.#epochs[0] as Epoch;
  }
}

/** Maximum number of epochs in a chain. A log on disk begins an epoch each time it is opened. */
export const MAX_EPOCHS = 1000;
