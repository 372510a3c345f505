import { getHeapStatistics } from "node:v8";
import { histogramSamples, type Metric } from "../../api/metrics-text.ts";
import { readProcessMetrics } from "../process/process-metrics.ts";
import { GcDurations } from "./gc-durations.ts";

let gc: GcDurations | undefined;

/**
 * Reads the metrics of this process, with those that only Node has: Bun does not report garbage collections, and its heap has no
 * limit.
 */
export function readNodeMetrics(): readonly Metric[] {
  gc ??= new GcDurations();
  return [
    ...readProcessMetrics(),
    {
      name: "pocketwire_heap_limit_bytes",
      help: "Size of the JavaScript heap at which the process ends.",
      samples: [["", getHeapStatistics().heap_size_limit]],
    },
    {
      name: "nodejs_gc_duration_seconds",
      help: "Durations of garbage collections, by kind.",
      type: "histogram",
      samples: gc.stats.flatMap(([kind, durations]) =>
        histogramSamples(durations, `kind="${kind}"`),
      ),
    },
  ];
}
