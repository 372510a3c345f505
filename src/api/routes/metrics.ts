import type { Handler } from "hono";
import { LATENCY_BOUNDS, type LatencyStats } from "../../realtime/latency.ts";
import type { RegistryStats } from "../../registry/registry.ts";
import type { ServerContext } from "../context.ts";
import {
  CALLBACK_COUNTS,
  COUNTS,
  DISCONNECTS,
  HISTORY_COUNTS,
  KEPT_COUNTS,
  KEY_COUNTS,
  RATE_REFUSALS,
  type Statistic,
} from "../statistics.ts";
import { readProcessStats, type ServerCounts, withServerCounts } from "./stats.ts";

/** https://prometheus.io/docs/instrumenting/exposition_formats/, "Text-based format". */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labelled = readonly (readonly [label: string, value: number])[];

/** `GET /metrics`: the counts of this process for Prometheus, which adds up the processes. On Workers it wakes every hub. */
export function showMetrics(context: ServerContext): Handler {
  return async (c) =>
    c.body(formatMetrics(await withServerCounts(context, readProcessStats(context))), 200, {
      "Content-Type": CONTENT_TYPE,
      "Cache-Control": "no-store",
    });
}

/** Formats counts in Prometheus' text format. Every name begins with `pocketwire_`. */
export function formatMetrics(stats: RegistryStats & ServerCounts): string {
  const metrics = new MetricsText();
  const { version, runtime } = stats;
  metrics.add("build_info", "The version and the runtime.", [
    [`{version="${version}",runtime="${runtime}"}`, 1],
  ]);
  metrics.addCounts(COUNTS, stats);
  metrics.addCounts(KEY_COUNTS, stats.keyBudget);
  metrics.addCounts(HISTORY_COUNTS, stats.history);
  metrics.addCounts(KEPT_COUNTS, stats.kept);
  metrics.addCounts(CALLBACK_COUNTS, stats.callbacks);
  metrics.add("disconnects_total", DISCONNECTS, labelled("reason", stats.disconnects));
  metrics.add("rate_refusals_total", RATE_REFUSALS, labelled("limit", stats.rateRefusals));
  metrics.add(
    "resumes_total",
    "Resumes, by whether the history had every message.",
    labelled("recovered", { true: stats.recovered, false: stats.unrecovered }),
  );
  const startedAt = Date.parse(stats.startedAt) / 1000;
  metrics.add("start_time_seconds", "Start of the counts, in seconds since 1970.", [
    ["", startedAt],
  ]);
  metrics.add(
    "publish_latency_seconds",
    "Time from a publish to the end of its writes.",
    buckets(stats.publishLatency),
    "histogram",
  );
  return metrics.text;
}

class MetricsText {
  #text = "";

  get text(): string {
    return this.#text;
  }

  add(
    name: string,
    help: string,
    values: Labelled,
    type = name.endsWith("_total") ? "counter" : "gauge",
  ): void {
    this.#text += `# HELP pocketwire_${name} ${help}\n# TYPE pocketwire_${name} ${type}\n`;
    for (const [label, value] of values) this.#text += `pocketwire_${name}${label} ${value}\n`;
  }

  addCounts<Name extends string>(
    counts: Readonly<Record<Name, Statistic>>,
    values: Readonly<Record<NoInfer<Name>, number>>,
  ): void {
    for (const count in counts) {
      const [name, help] = counts[count];
      this.add(name, help, [["", values[count]]]);
    }
  }
}

function labelled(label: string, counts: Readonly<Record<string, number>>): Labelled {
  return Object.entries(counts).map(([value, count]) => [`{${label}="${value}"}`, count]);
}

/** The buckets of a histogram. In Prometheus' format they are cumulative. */
function buckets({ counts, seconds }: LatencyStats): Labelled {
  let sum = 0;
  const cumulative = counts.map((count, bucket) => {
    sum += count;
    return [`_bucket{le="${LATENCY_BOUNDS[bucket] ?? "+Inf"}"}`, sum] as const;
  });
  return [...cumulative, ["_sum", seconds], ["_count", sum]];
}
