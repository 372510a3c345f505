/** Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats/, "Text-based format". */
import { LATENCY_BOUNDS, type LatencyStats } from "../realtime/latency.ts";

/** A metric with its current values. */
export interface Metric {
  /** The name in Prometheus: `process_resident_memory_bytes`. */
  readonly name: string;
  readonly help: string;
  /** Default: `counter` for a name that ends with `_total`, otherwise `gauge`. */
  readonly type?: "histogram" | undefined;
  /**
   * Each sample is the text after the name, and the value. The text is empty or has labels in braces. In a histogram, a suffix
   * such as `_sum` comes before the labels.
   */
  readonly samples: readonly (readonly [suffix: string, value: number])[];
}

/** Formats a metric as lines. */
export function formatMetric({ name, help, samples, ...metric }: Metric): string {
  const type = metric.type ?? (name.endsWith("_total") ? "counter" : "gauge");
  const lines = samples.map(([suffix, value]) => `${name}${suffix} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

/**
 * Returns the samples of a histogram. In Prometheus' format the buckets are cumulative.
 *
 * @param label A label of every sample, such as `kind="major"`. Default: none.
 */
export function histogramSamples({ counts, seconds }: LatencyStats, label = ""): Metric["samples"] {
  const labels = label && `{${label}}`;
  const first = label && `${label},`;
  let sum = 0;
  const cumulative = counts.map((count, bucket) => {
    sum += count;
    return [`_bucket{${first}le="${LATENCY_BOUNDS[bucket] ?? "+Inf"}"}`, sum] as const;
  });
  return [...cumulative, [`_sum${labels}`, seconds], [`_count${labels}`, sum]];
}
