import type { Milliseconds } from "./units.ts";

/** The upper bounds of the histogram's buckets, in seconds. One further bucket counts longer durations. */
export const LATENCY_BOUNDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
];

/** The contents of a `LatencyHistogram`. Use `addLatency` to add the contents of two histograms. */
export interface LatencyStats {
  /** Number of durations in each bucket of `LATENCY_BOUNDS` and in the last bucket. Not cumulative. */
  readonly counts: readonly number[];
  /** The sum of all durations, in seconds. */
  readonly seconds: number;
}

/** A histogram of durations. */
export class LatencyHistogram {
  readonly #counts: number[] = [...LATENCY_BOUNDS.map(() => 0), 0];
  #seconds = 0;

  /** Adds one duration. */
  observe(duration: Milliseconds): void {
    const seconds = duration / 1000;
    const found = LATENCY_BOUNDS.findIndex((bound) => seconds <= bound);
    const bucket = found === -1 ? LATENCY_BOUNDS.length : found;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#seconds += seconds;
  }

  get stats(): LatencyStats {
    return { counts: [...this.#counts], seconds: this.#seconds };
  }
}

/** Adds two histograms. */
export function addLatency(a: LatencyStats, b: LatencyStats): LatencyStats {
  return {
    counts: a.counts.map((count, bucket) => count + (b.counts[bucket] ?? 0)),
    seconds: a.seconds + b.seconds,
  };
}
