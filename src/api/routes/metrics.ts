import type { Handler } from "hono";
import { LATENCY_BOUNDS, type LatencyStats } from "../../realtime/latency.ts";
import type { RegistryStats } from "../../registry/registry.ts";
import type { ServerContext } from "../context.ts";
import { readStats, type ServerCounts } from "./stats.ts";

/** https://prometheus.io/docs/instrumenting/exposition_formats/, "Text-based format". */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labelled = readonly (readonly [label: string, value: number])[];

/** `GET /metrics`: the counts for Prometheus. On Workers each request wakes every hub. */
export function showMetrics(context: ServerContext): Handler {
  return async (c) =>
    c.body(formatMetrics(await readStats(context)), 200, {
      "Content-Type": CONTENT_TYPE,
      "Cache-Control": "no-store",
    });
}

/** Formats counts in Prometheus' text format. Every name begins with `pocketwire_`. */
export function formatMetrics(stats: RegistryStats & ServerCounts): string {
  const metrics = new MetricsText();
  addGauges(metrics, stats);
  addCounters(metrics, stats);
  const latency = buckets(stats.publishLatency);
  const help = "Time from a publish to the end of its writes.";
  metrics.add("publish_latency_seconds", "histogram", help, latency);
  return metrics.text;
}

class MetricsText {
  #text = "";

  get text(): string {
    return this.#text;
  }

  add(name: string, type: string, help: string, values: Labelled): void {
    this.#text += `# HELP pocketwire_${name} ${help}\n# TYPE pocketwire_${name} ${type}\n`;
    for (const [label, value] of values) this.#text += `pocketwire_${name}${label} ${value}\n`;
  }

  gauge(name: string, help: string, value: number): void {
    this.add(name, "gauge", help, [["", value]]);
  }

  counter(name: string, help: string, value: number): void {
    this.add(name, "counter", help, [["", value]]);
  }
}

function addGauges(metrics: MetricsText, stats: RegistryStats & ServerCounts): void {
  const { keyBudget: keys, history } = stats;
  metrics.gauge("clients", "Connected clients.", stats.clients);
  metrics.gauge("subscriptions", "Subscription keys of all clients.", stats.subscriptions);
  metrics.gauge("topics", "Distinct topics with subscribers.", stats.topics);
  metrics.gauge(
    "keys",
    "Subscription keys, plus, for each key, the topics in it that the client has rights to.",
    keys.used,
  );
  metrics.gauge("keys_limit", "Limit of keys; 0 is no limit.", keys.limit);
  metrics.gauge("key_characters", "Characters of subscription keys.", keys.characters);
  metrics.gauge(
    "key_characters_limit",
    "Limit of the characters; 0 is no limit.",
    keys.charactersLimit,
  );
  metrics.gauge("queue_bytes", "Bytes that wait in the queues of clients.", stats.queuedBytes);
  metrics.gauge(
    "waiting_bytes",
    "Bytes that wait for clients; shared bytes count once.",
    stats.waitingBytes,
  );
  metrics.gauge("history_messages", "Messages in the history.", history.messages);
  metrics.gauge("history_bytes", "Bytes of the messages in the history.", history.bytes);
  const startedAt = Date.parse(stats.startedAt) / 1000;
  metrics.gauge("start_time_seconds", "Start of the counts, in seconds since 1970.", startedAt);
}

function addCounters(metrics: MetricsText, stats: RegistryStats & ServerCounts): void {
  const { disconnects, rateRefusals } = stats;
  metrics.counter(
    "keys_refused_total",
    "Requests over the limits of keys.",
    stats.keyBudget.refused,
  );
  metrics.counter("connects_total", "Clients that connected.", stats.connects);
  const reasons = labelled("reason", disconnects);
  metrics.add("disconnects_total", "counter", "Clients that were removed, by reason.", reasons);
  metrics.counter("messages_accepted_total", "Messages appended to the log.", stats.accepted);
  metrics.counter("messages_duplicate_total", "Messages with a known id.", stats.duplicate);
  metrics.counter("deliveries_total", "Messages written to clients.", stats.delivered);
  metrics.counter("deliveries_replayed_total", "Deliveries from the history.", stats.replayed);
  metrics.add(
    "resumes_total",
    "counter",
    "Resumes, by whether the history had every message since.",
    labelled("recovered", { true: stats.recovered, false: stats.unrecovered }),
  );
  metrics.counter("credentials_refused_total", "Wrong keys and tokens.", stats.refusedCredentials);
  const limits = labelled("limit", rateRefusals);
  metrics.add("rate_refusals_total", "counter", "Requests over a rate, by limit.", limits);
  metrics.counter(
    "log_lines_dropped_total",
    "Log lines that could not be written.",
    stats.logLinesDropped,
  );
  metrics.counter(
    "connections_refused_total",
    "Connections refused at the limit of open files.",
    stats.connectionsRefused,
  );
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
