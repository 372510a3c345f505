/** One epoch of a log: a time in which the log has numbered its messages without a break. */
export interface Epoch {
  /** A random name (`newEpoch`), which no other epoch has. */
  readonly name: string;
  /** Sequence of the newest message when the epoch began, 0 in a new log. The first message of the epoch has the next number. */
  readonly start: number;
}

/** The epoch and the place of an entry (`SequencedEntry`). */
interface EntryEpoch {
  readonly epoch: string;
  readonly sequence: number;
  readonly index: number;
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
   * Whether an entry of a shared log (`SequencedEntry`) may have its epoch at its place. True if the epoch of the place is forgotten.
   * An entry without a message may be in an epoch that has no message yet.
   */
  fits({ epoch, sequence, index }: EntryEpoch): boolean {
    if (sequence <= this.#oldest.start) return true;
    if (index === 0) return this.nameOf(sequence) === epoch;
    const start = this.#epochs.find(({ name }) => name === epoch)?.start;
    return start !== undefined && start <= sequence && sequence <= (this.endOf(epoch) ?? -1);
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

  /**
   * Returns the sequence up to which this chain and another describe the same messages. Infinity if both have the same newest
   * epoch, 0 if they have no epoch in common.
   */
  commonEnd(other: EpochChain): number {
    const last = this.#epochs.findLast(({ name }) => other.endOf(name) !== undefined);
    if (last === undefined) return 0;
    return Math.min(this.endOf(last.name) ?? 0, other.endOf(last.name) ?? 0);
  }

  get #oldest(): Epoch {
    // The cast: there is always at least one epoch.
    return this.#epochs[0] as Epoch;
  }
}

/** Maximum number of epochs in a chain. A log on disk begins an epoch each time it is opened. */
export const MAX_EPOCHS = 1000;
