import type { Handler } from "hono";
import { LATENCY_BOUNDS, type LatencyStats } from "../../realtime/latency.ts";
import type { ClientRegistry, RegistryStats } from "../../registry/registry.ts";
import type { RequestLimit } from "../counters.ts";

/** https://prometheus.io/docs/instrumenting/exposition_formats/, "Text-based format". */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labelled = readonly (readonly [label: string, value: number])[];

/** What a server counts itself, on Workers in each isolate: the registry knows nothing of it. */
export interface ServerCounts {
  /** Log lines that could not be written. */
  readonly logLinesDropped: number;
  /** Bytes that wait for clients now, those that several clients share once. */
  readonly waitingBytes: number;
  /** Connections that were refused because the process may have no more files open. */
  readonly connectionsRefused: number;
  /** Wrong keys and tokens. */
  readonly refusedCredentials: number;
  /** Requests over a rate, by limit. */
  readonly rateRefusals: Readonly<Record<RequestLimit, number>>;
}

/** `GET /metrics`: the registry's stats for Prometheus. On Workers each hub is asked, and so woken. */
export function showMetrics(registry: ClientRegistry, counts: () => ServerCounts): Handler {
  return async (c) => {
    const text = formatMetrics({ ...(await registry.stats()), ...counts() });
    return c.body(text, 200, { "Content-Type": CONTENT_TYPE, "Cache-Control": "no-store" });
  };
}

export function formatMetrics(stats: RegistryStats & ServerCounts): string {
  const lines: string[] = [];
  const add = (name: string, type: string, help: string, values: Labelled) => {
    lines.push(`# HELP pocketwire_${name} ${help}`, `# TYPE pocketwire_${name} ${type}`);
    for (const [label, value] of values) lines.push(`pocketwire_${name}${label} ${value}`);
  };
  const gauge = (name: string, help: string, value: number) =>
    add(name, "gauge", help, [["", value]]);
  const counter = (name: string, help: string, value: number) =>
    add(name, "counter", help, [["", value]]);

  gauge("clients", "Connected clients.", stats.clients);
  gauge("subscriptions", "Subscription keys over all clients.", stats.subscriptions);
  gauge("topics", "Distinct topics subscribed to.", stats.topics);
  const { keyBudget: keys } = stats;
  gauge("keys", "Subscription keys, and topics that rights cover of them.", keys.used);
  gauge("keys_limit", "How many there may be; 0 is any number.", keys.limit);
  gauge("key_characters", "Characters of subscription keys.", keys.characters);
  gauge("key_characters_limit", "How many; 0 is any number.", keys.charactersLimit);
  counter("keys_refused_total", "Requests over the budget of keys.", keys.refused);
  gauge("queue_bytes", "Bytes that wait for clients to take them.", stats.queuedBytes);
  gauge("waiting_bytes", "Bytes in memory that wait for clients.", stats.waitingBytes);
  gauge("history_messages", "Messages in the history.", stats.history.messages);
  gauge("history_bytes", "Bytes of them.", stats.history.bytes);
  const started = Date.parse(stats.startedAt) / 1000;
  gauge("start_time_seconds", "Since when it counts, in seconds since 1970.", started);
  counter("connects_total", "Clients that connected.", stats.connects);
  const reasons = Object.entries(stats.disconnects).map(
    ([reason, count]) => [`{reason="${reason}"}`, count] as const,
  );
  add("disconnects_total", "counter", "Clients that were removed, by reason.", reasons);
  counter("messages_accepted_total", "Messages taken into the log.", stats.accepted);
  const duplicates = "Messages that the log had, by their id.";
  counter("messages_duplicate_total", duplicates, stats.duplicate);
  counter("deliveries_total", "Messages handed to clients.", stats.delivered);
  counter("deliveries_replayed_total", "Of them, those from the history.", stats.replayed);
  add("resumes_total", "counter", "Resumes, by whether nothing was missed.", [
    ['{recovered="true"}', stats.recovered],
    ['{recovered="false"}', stats.unrecovered],
  ]);
  counter("credentials_refused_total", "Wrong keys and tokens.", stats.refusedCredentials);
  const refusals = Object.entries(stats.rateRefusals).map(
    ([limit, count]) => [`{limit="${limit}"}`, count] as const,
  );
  add("rate_refusals_total", "counter", "Requests over a rate, by limit.", refusals);
  const dropped = "Log lines that could not be written.";
  counter("log_lines_dropped_total", dropped, stats.logLinesDropped);
  const refused = "Connections refused for want of open files.";
  counter("connections_refused_total", refused, stats.connectionsRefused);
  const help = "From a publish to the end of its writes.";
  add("publish_latency_seconds", "histogram", help, buckets(stats.publishLatency));
  return `${lines.join("\n")}\n`;
}

/** The buckets of the format are cumulative. */
function buckets({ counts, seconds }: LatencyStats): Labelled {
  let sum = 0;
  const cumulative = counts.map((count, bucket) => {
    sum += count;
    return [`_bucket{le="${LATENCY_BOUNDS[bucket] ?? "+Inf"}"}`, sum] as const;
  });
  return [...cumulative, ["_sum", seconds], ["_count", sum]];
}
