import { closeSync, openSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatMetric, type Metric } from "../../../../src/api/metrics-text.ts";
import { readNodeMetrics } from "../../../../src/runtimes/node/node-metrics.ts";
import { readProcessMetrics } from "../../../../src/runtimes/process/process-metrics.ts";
import { eventually } from "../../../support/deadline.ts";

const isBun = process.versions.bun !== undefined;
const NO_FILES = process.platform === "linux" ? undefined : "the numbers are read from /proc";

/** The value of a sample by its name with the suffix. */
function readValue(name: string, metrics: readonly Metric[] = readProcessMetrics()): number {
  const line = metrics
    .map(formatMetric)
    .join("")
    .split("\n")
    .find((text) => text.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? Number.NaN);
}

describe("the metrics of a process", () => {
  it("have the memory that the process takes, which is below the limit", () => {
    const rss = readValue("process_resident_memory_bytes");
    expect(rss).toBeGreaterThan(10_000_000);
    expect(rss).toBeLessThan(readValue("pocketwire_memory_limit_bytes"));
    expect(Number.isSafeInteger(readValue("pocketwire_memory_limit_bytes"))).toBe(true);
  });

  it("count a buffer outside the heap", () => {
    const before = readValue("process_resident_memory_bytes");
    const buffer = Buffer.alloc(100 * 1024 * 1024, 1);
    expect(readValue("process_resident_memory_bytes") - before).toBeGreaterThan(50 * 1024 * 1024);
    expect(buffer.at(-1)).toBe(1);
  });

  it("count the CPU time in seconds", () => {
    const before = readValue("process_cpu_seconds_total");
    const used = process.cpuUsage();
    while (process.cpuUsage(used).user < 100_000);
    expect(readValue("process_cpu_seconds_total") - before).toBeGreaterThanOrEqual(0.1);
  });

  it("have a start before now, which is exactly the same each time", async () => {
    const start = readValue("process_start_time_seconds");
    expect(start).toBeLessThan(Date.now() / 1000);
    expect(start).toBeGreaterThan(Date.now() / 1000 - 86_400);
    const before = performance.now();
    await eventually(() => performance.now() > before + 20, "some time has passed");
    expect(readValue("process_start_time_seconds")).toBe(start);
  });

  it.skipIf(NO_FILES)(`count the open files${NO_FILES ? ` (skipped: ${NO_FILES})` : ""}`, () => {
    // Without a pause, because other tests of the process open and close files as well.
    const before = readValue("process_open_fds");
    const files = Array.from({ length: 20 }, () => openSync("/dev/null", "r"));
    const after = readValue("process_open_fds");
    for (const file of files) closeSync(file);
    expect(after - before).toBeGreaterThanOrEqual(20);
    expect(after).toBeLessThan(readValue("process_max_fds"));
  });

  it("have the delay of the event loop from the second reading on", async () => {
    readProcessMetrics();
    const count = () => readValue("pocketwire_event_loop_delay_seconds_count");
    const first = count();
    await eventually(() => count() > first, "a delay is measured");
  });
});

describe.skipIf(isBun)(`the metrics of Node${isBun ? " (skipped on Bun)" : ""}`, () => {
  it("have the limit of the heap", () => {
    const metrics = readNodeMetrics();
    const used = readValue("nodejs_heap_size_used_bytes", metrics);
    expect(used).toBeLessThanOrEqual(readValue("nodejs_heap_size_total_bytes", metrics));
    expect(used).toBeLessThan(readValue("pocketwire_heap_limit_bytes", metrics));
  });

  it("count the garbage collections of each kind", async () => {
    const minor = 'nodejs_gc_duration_seconds_count{kind="minor"}';
    readNodeMetrics();
    let garbage: number[][] = [];
    await eventually(() => {
      for (let index = 0; index < 1000; index++)
        garbage.push(Array.from({ length: 100 }, Math.random));
      garbage = [];
      return readValue(minor, readNodeMetrics()) > 0;
    }, "a small garbage collection is counted");
    expect(
      readValue('nodejs_gc_duration_seconds_sum{kind="minor"}', readNodeMetrics()),
    ).toBeGreaterThan(0);
  });
});
