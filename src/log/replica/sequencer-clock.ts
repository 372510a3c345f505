import type { Milliseconds } from "../../realtime/units.ts";

/** An estimate of the clock of a sequencer: the monotonic clock of this process, and a difference. */
export class SequencerClock {
  readonly #monotonicNow: () => number;
  /** The clock of the sequencer minus the monotonic clock. */
  #difference: Milliseconds | undefined;

  constructor(monotonicNow: () => number) {
    this.#monotonicNow = monotonicNow;
  }

  /** The time by the clock of the sequencer, in milliseconds since 1970. */
  now(): number {
    return this.#monotonicNow() + (this.#difference ?? 0);
  }

  /**
   * Runs a call that returns the time of the sequencer, and corrects the estimate if it can't be right: the sequencer has read its
   * clock between the call and the answer.
   */
  async measure<T extends { readonly now: number }>(call: () => Promise<T>): Promise<T> {
    const before = this.#monotonicNow();
    const answer = await call();
    const least = answer.now - this.#monotonicNow();
    const difference = Math.min(this.#difference ?? least, answer.now - before);
    this.#difference = Math.max(difference, least);
    return answer;
  }
}
