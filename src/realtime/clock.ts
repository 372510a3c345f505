/** The clocks of a service. Tests bring their own. */
export interface Clocks {
  /** The wall clock, for points in time: milliseconds since 1970. It may be set back or forward at any moment. */
  readonly now?: (() => number) | undefined;
  /** The clock for durations: milliseconds since any moment, never set back. */
  readonly monotonicNow?: (() => number) | undefined;
}

/** The clock for durations. A test that brings one clock means both. */
export function monotonicClock({ now, monotonicNow }: Clocks): () => number {
  return monotonicNow ?? now ?? (() => performance.now());
}
