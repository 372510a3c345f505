import { constants, PerformanceObserver } from "node:perf_hooks";
import { LatencyHistogram, type LatencyStats } from "../../realtime/latency.ts";

/** The kinds of garbage collections, with the labels that `prom-client` gives them. */
const KINDS = new Map<unknown, string>([
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weakcb"],
]);

/** Counts the durations of garbage collections by kind, from its creation until the process ends. */
export class GcDurations {
  readonly #histograms = new Map(
    [...KINDS.values()].map((kind) => [kind, new LatencyHistogram()] as const),
  );

  constructor() {
    new PerformanceObserver((list) => {
      // The cast: the types of Node 20 lack the detail of an entry of the type `gc`.
      const entries = list.getEntries() as unknown as {
        detail: { kind: number };
        duration: number;
      }[];
      for (const { detail, duration } of entries) {
        this.#histograms.get(KINDS.get(detail.kind) ?? "")?.observe(duration);
      }
    }).observe({ entryTypes: ["gc"] });
  }

  /** The durations of each kind. */
  get stats(): readonly (readonly [kind: string, durations: LatencyStats])[] {
    return [...this.#histograms].map(([kind, { stats }]) => [kind, stats]);
  }
}
