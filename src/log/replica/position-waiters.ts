import type { Milliseconds } from "../../realtime/units.ts";
import type { SequencerPosition } from "./sequencer.ts";

interface Waiter {
  readonly position: SequencerPosition;
  readonly settle: (isReached: boolean) => void;
}

/** Callers that wait until the process has received a position of the log. */
export class PositionWaiters {
  readonly #hasReached: (position: SequencerPosition) => boolean;
  readonly #waiters = new Set<Waiter>();

  constructor(hasReached: (position: SequencerPosition) => boolean) {
    this.#hasReached = hasReached;
  }

  /** Resolves with true when the position is reached, and with false after `timeout`. */
  wait(position: SequencerPosition, timeout: Milliseconds): Promise<boolean> {
    if (this.#hasReached(position)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiter.settle(false), timeout);
      const waiter: Waiter = {
        position,
        settle: (isReached) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve(isReached);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  /** Must be called when the process has received entries. */
  check(): void {
    for (const waiter of this.#waiters) {
      if (this.#hasReached(waiter.position)) waiter.settle(true);
    }
  }

  /** Ends all waits with false. */
  stop(): void {
    for (const { settle } of this.#waiters) settle(false);
  }
}
