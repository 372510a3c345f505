/** Upper bounds of the buckets, in seconds; what took longer is in one more. */
export const LATENCY_BOUNDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
];

/** How long something took, counted by bucket, so that those of several can be added up. */
export interface LatencyStats {
  /** One for each of `LATENCY_BOUNDS`, and one for what took longer. Not cumulative. */
  readonly counts: readonly number[];
  /** Of all together. */
  readonly seconds: number;
}

export class LatencyHistogram {
  readonly #counts: number[] = [...LATENCY_BOUNDS.map(() => 0), 0];
  #seconds = 0;

  /** @param milliseconds How long it took. */
  observe(milliseconds: number): void {
    const seconds = milliseconds / 1000;
    const found = LATENCY_BOUNDS.findIndex((bound) => seconds <= bound);
    const bucket = found === -1 ? LATENCY_BOUNDS.length : found;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#seconds += seconds;
  }

  get stats(): LatencyStats {
    return { counts: [...this.#counts], seconds: this.#seconds };
  }
}

export function addLatency(one: LatencyStats, other: LatencyStats): LatencyStats {
  return {
    counts: one.counts.map((count, bucket) => count + (other.counts[bucket] ?? 0)),
    seconds: one.seconds + other.seconds,
  };
}
