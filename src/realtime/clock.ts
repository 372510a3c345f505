/** The clocks of a service. Tests pass their own. */
export interface Clocks {
  /** The wall clock, for points in time: milliseconds since 1970. It may be set back or forward. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /**
   * The clock for durations, in milliseconds. It must never be set back; its zero point does not matter. Default: `now` if
   * set, otherwise `performance.now`.
   */
  readonly monotonicNow?: (() => number) | undefined;
}

/** Returns the clock for durations. It falls back to `now`, so that a test needs to pass only one clock. */
export function monotonicClock({ now, monotonicNow }: Clocks): () => number {
  return monotonicNow ?? now ?? (() => performance.now());
}

/**
 * The least time between two results of an arrival clock, in milliseconds. A double holds today's time in milliseconds with
 * fractions of 1/4096, so adding this step is exact.
 */
export const ARRIVAL_STEP: number = 1 / 1024;

/**
 * Creates a clock for the arrival of requests: milliseconds since 1970. It returns another time at each call, and it never goes
 * back.
 *
 * @param now The wall clock.
 */
export function createArrivalClock(now: () => number): () => number {
  let last = 0;
  return () => {
    last = Math.max(now(), last + ARRIVAL_STEP);
    return last;
  };
}
