import type { Milliseconds } from "../units.ts";

/** Limits how much work is done before other work runs. */
export interface Slice {
  /** Adds the cost of work that was done. */
  spend(cost: number): void;
  /** Whether the limit is reached, so that the work must be interrupted. */
  readonly isOver: boolean;
}

/** Time limit of a slice of deliveries in one turn of the event loop. */
const SLICE_TIME: Milliseconds = 5;

/** The cost after which a slice reads the clock again. Reading the clock takes longer than writing a frame. */
const CLOCK_INTERVAL = 64;

/** A slice that ends after about 5 ms or after a given cost, whichever is first. */
export class WorkSlice implements Slice {
  readonly #deadline = performance.now() + SLICE_TIME;
  #costLeft: number;
  #costUntilClock = CLOCK_INTERVAL;
  #isLate = false;

  constructor(cost: number) {
    this.#costLeft = cost;
  }

  get isOver(): boolean {
    return this.#costLeft <= 0 || this.#isLate;
  }

  spend(cost: number): void {
    this.#costLeft -= cost;
    this.#costUntilClock -= cost;
    if (this.#costUntilClock > 0) return;
    this.#costUntilClock = CLOCK_INTERVAL;
    this.#isLate = performance.now() >= this.#deadline;
  }
}

/** A slice without a limit, for work that can't be interrupted. */
export const UNLIMITED: Slice = { spend: () => {}, isOver: false };
