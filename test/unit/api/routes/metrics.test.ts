import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { RefusedRequests } from "../../../../src/api/counters.ts";
import { formatMetrics } from "../../../../src/api/routes/metrics.ts";
import { LATENCY_BOUNDS, LatencyHistogram } from "../../../../src/realtime/latency.ts";
import { CLOSE_REASONS, type CloseReason } from "../../../../src/realtime/types.ts";

const latency = new LatencyHistogram();
for (const milliseconds of [0.2, 0.5, 3, 40, 60_000]) latency.observe(milliseconds);
const disconnects = Object.fromEntries(CLOSE_REASONS.map((reason, n) => [reason, n]));
const refusals = new RefusedRequests();
refusals.counterOf("publish_bytes")();
const text = formatMetrics({
  ...{ version: "1.2.3", runtime: "node" },
  ...{ clients: 3, subscriptions: 5, topics: 4, queuedBytes: 1234, connects: 9 },
  keyBudget: { used: 7, limit: 8, characters: 70, charactersLimit: 80, refused: 2 },
  ...{ delivered: 100, replayed: 10, recovered: 2, unrecovered: 1, accepted: 50, duplicate: 6 },
  disconnects: disconnects as Record<CloseReason, number>,
  startedAt: "2026-01-01T00:00:00.000Z",
  history: { messages: 40, bytes: 4000 },
  kept: { topics: 3, messages: 3, bytes: 300, evicted: 1 },
  publishLatency: latency.stats,
  ...{ logLinesDropped: 7, connectionsRefused: 8, waitingBytes: 9, refusedCredentials: 12 },
  rateRefusals: refusals.counts,
  callbacks: {
    ...{ asked: 21, refused: 22, failed: 23, cached: 24 },
    ...{ told: 25, retried: 26, dropped: 27, waiting: 28 },
  },
});

describe("metrics", () => {
  it("have cumulative buckets, a sum and a count", () => {
    const buckets = [...text.matchAll(/_bucket\{le="([^"]+)"\} (\d+)/g)].map(([, le, n]) => [
      le,
      n,
    ]);
    expect(buckets.map(([le]) => le)).toEqual([...LATENCY_BOUNDS.map(String), "+Inf"]);
    expect(buckets.map(([, n]) => Number(n))).toEqual([2, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 5]);
    expect(text).toContain("pocketwire_publish_latency_seconds_count 5\n");
    expect(text).toMatch(/^pocketwire_publish_latency_seconds_sum 60\.0437/m);
  });

  it("have a help and a type for each name, once, and each reason of a disconnect", () => {
    const types = [...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name);
    expect(new Set(types).size).toBe(types.length);
    for (const name of types) expect(text).toContain(`# HELP ${name} `);
    for (const [reason, count] of Object.entries(disconnects)) {
      expect(text).toContain(`pocketwire_disconnects_total{reason="${reason}"} ${count}\n`);
    }
  });

  it("count the requests that were refused by each rate", () => {
    expect(text).toContain('pocketwire_rate_refusals_total{limit="publish_bytes"} 1\n');
    expect(text).toContain('pocketwire_rate_refusals_total{limit="publishes"} 0\n');
  });

  it("tell the version and the runtime", () => {
    expect(text).toContain('pocketwire_build_info{version="1.2.3",runtime="node"} 1\n');
  });

  it("count the questions to a backend", () => {
    expect(text).toContain("pocketwire_callbacks_failed_total 23\n");
  });

  it("count the credentials that were refused", () => {
    expect(text).toContain("pocketwire_credentials_refused_total 12\n");
  });

  it("are what the Grafana dashboard asks for", () => {
    const { panels } = JSON.parse(readFileSync("deploy/grafana.json", "utf8"));
    const asked = panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
      targets.flatMap(({ expr }) => expr.match(/pocketwire_\w+/g) ?? []),
    );
    expect(asked.length).toBeGreaterThan(15);
    for (const name of new Set<string>(asked))
      expect(text).toMatch(new RegExp(`^${name}(\\{| )`, "m"));
  });
});
