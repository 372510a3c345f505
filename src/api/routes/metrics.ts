import type { Handler } from "hono";
import { RealtimeError } from "../../realtime/errors.ts";
import type { RegistryStats } from "../../registry/registry.ts";
import type { ServerContext } from "../context.ts";
import { formatMetric, histogramSamples, type Metric } from "../metrics-text.ts";
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

/** The causes for which messages can't be stored (`MessageLog.assertWritable`). */
const STORAGE_FAILURES = ["unreachable", "storage_failed"] as const;

/** What the metrics show besides the stats. */
export interface ProcessState {
  /** `Runtime.version`. */
  readonly runtimeVersion?: string | undefined;
  /** `CapacityLimits.maxClients`. On Workers, the limit of one shard. */
  readonly maxClients: number;
  /** Why messages can't be stored now. Undefined if they can. */
  readonly storageFailure?: string | undefined;
  /** `Runtime.processMetrics`. */
  readonly processMetrics?: readonly Metric[] | undefined;
}

/** `GET /metrics`: the counts of this process for Prometheus, which adds up the processes. On Workers it wakes every hub. */
export function showMetrics(context: ServerContext): Handler {
  const { runtime, limits, registry } = context;
  return async (c) => {
    const stats = await withServerCounts(context, readProcessStats(context));
    const text = formatMetrics(stats, {
      runtimeVersion: runtime.version,
      maxClients: limits.maxClients,
      storageFailure: codeOf(() => registry.assertWritable?.()),
      processMetrics: runtime.processMetrics?.(),
    });
    return c.body(text, 200, { "Content-Type": CONTENT_TYPE, "Cache-Control": "no-store" });
  };
}

/** Formats counts in Prometheus' text format. The names begin with `pocketwire_`, except those of `processMetrics`. */
export function formatMetrics(stats: RegistryStats & ServerCounts, state: ProcessState): string {
  const metrics = new MetricsText();
  const { version, runtime } = stats;
  const { runtimeVersion, maxClients, storageFailure, processMetrics = [] } = state;
  const more = runtimeVersion === undefined ? "" : `,runtime_version="${runtimeVersion}"`;
  metrics.add("build_info", "The version and the runtime.", [
    [`{version="${version}",runtime="${runtime}"${more}}`, 1],
  ]);
  metrics.addCounts(COUNTS, stats);
  metrics.add("clients_limit", "The limit of connected clients. 0 is no limit.", [
    ["", maxClients],
  ]);
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
  metrics.add(
    "storage_failing",
    "1 while messages can't be stored, by cause. Otherwise 0.",
    STORAGE_FAILURES.map((cause) => [`{cause="${cause}"}`, Number(cause === storageFailure)]),
  );
  const startedAt = Date.parse(stats.startedAt) / 1000;
  metrics.add("start_time_seconds", "Start of the counts, in seconds since 1970.", [
    ["", startedAt],
  ]);
  metrics.add(
    "publish_latency_seconds",
    "Time from a publish to the end of its writes.",
    histogramSamples(stats.publishLatency),
    "histogram",
  );
  return metrics.text + processMetrics.map(formatMetric).join("");
}

class MetricsText {
  #text = "";

  get text(): string {
    return this.#text;
  }

  add(name: string, help: string, samples: Metric["samples"], type?: Metric["type"]): void {
    this.#text += formatMetric({ name: `pocketwire_${name}`, help, samples, type });
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

function labelled(label: string, counts: Readonly<Record<string, number>>): Metric["samples"] {
  return Object.entries(counts).map(([value, count]) => [`{${label}="${value}"}`, count]);
}

/** Runs a check, and returns the code of its error. Undefined if it throws none. */
function codeOf(check: () => void): string | undefined {
  try {
    check();
  } catch (error) {
    return error instanceof RealtimeError ? error.code : "unreachable";
  }
  return undefined;
}
