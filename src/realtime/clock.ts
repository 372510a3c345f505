/** The clocks of a service. Tests pass their own. */
export interface Clocks {
  /** The wall clock, for points in time: milliseconds since 1970. It may be set back or forward. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /**
   * The clock for durations: milliseconds since any moment, never set back. Default: `now`, and without `now`
   * `performance.now`.
   */
  readonly monotonicNow?: (() => number) | undefined;
}

/** The clock for durations. Falls back to `now`, so that a test needs to pass only one clock. */
export function monotonicClock({ now, monotonicNow }: Clocks): () => number {
  return monotonicNow ?? now ?? (() => performance.now());
}
