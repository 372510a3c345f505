import { describe, expect, it } from "vitest";
import { RefusedRequests } from "../../../../src/api/counters.ts";
import { formatMetrics } from "../../../../src/api/routes/metrics.ts";
import type { Runtime } from "../../../../src/api/runtime.ts";
import { createServer } from "../../../../src/api/server.ts";
import { createMemoryLog } from "../../../../src/log/memory.ts";
import { RealtimeError, type RealtimeErrorCode } from "../../../../src/realtime/errors.ts";
import { LATENCY_BOUNDS, LatencyHistogram } from "../../../../src/realtime/latency.ts";
import { CLOSE_REASONS, type CloseReason } from "../../../../src/realtime/types.ts";

const latency = new LatencyHistogram();
for (const milliseconds of [0.2, 0.5, 3, 40, 60_000]) latency.observe(milliseconds);
const disconnects = Object.fromEntries(CLOSE_REASONS.map((reason, n) => [reason, n]));
const refusals = new RefusedRequests();
refusals.counterOf("publish_bytes")();
const stats = {
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
};
const text = formatMetrics(stats, { runtimeVersion: "20.1.2", maxClients: 5000 });

/** Reads the metrics of a service over a log that can't store messages for this reason. */
async function readMetrics(code: RealtimeErrorCode | undefined): Promise<string> {
  const log = Object.assign(createMemoryLog(), {
    assertWritable: () => {
      if (code !== undefined) throw new RealtimeError(code, "The log is broken.");
    },
  });
  const { app } = createServer({ metrics: "open", log });
  const answer = await app.request("/metrics");
  expect(answer.status).toBe(200);
  return answer.text();
}

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
    expect(text).toContain(
      'pocketwire_build_info{version="1.2.3",runtime="node",runtime_version="20.1.2"} 1\n',
    );
  });

  it("tell the limit of clients", () => {
    expect(text).toContain("pocketwire_clients_limit 5000\n");
  });

  it.each([
    [undefined, 0, 0],
    ["unreachable", 1, 0],
    ["storage_failed", 0, 1],
  ] as const)("tell why messages can't be stored: %s", async (code, unreachable, failed) => {
    const metrics = await readMetrics(code);
    expect(metrics).toContain(`pocketwire_storage_failing{cause="unreachable"} ${unreachable}\n`);
    expect(metrics).toContain(`pocketwire_storage_failing{cause="storage_failed"} ${failed}\n`);
  });

  it("end with those of the runtime, read anew for each request", async () => {
    let reads = 0;
    const runtime: Runtime = {
      version: "1.2",
      processMetrics: () => {
        reads += 1;
        return [{ name: "process_reads_total", help: "Reads.", samples: [["", reads]] }];
      },
    };
    const { app } = createServer({ metrics: "open", runtime });
    expect(reads).toBe(0);
    for (const count of [1, 2]) {
      const metrics = await (await app.request("/metrics")).text();
      expect(metrics).toContain('runtime_version="1.2"');
      expect(metrics).toMatch(
        new RegExp(
          `\\n# HELP process_reads_total Reads\\.\\n# TYPE process_reads_total counter\\nprocess_reads_total ${count}\\n$`,
        ),
      );
    }
  });

  it("count the questions to a backend", () => {
    expect(text).toContain("pocketwire_callbacks_failed_total 23\n");
  });

  it("count the credentials that were refused", () => {
    expect(text).toContain("pocketwire_credentials_refused_total 12\n");
  });
});
