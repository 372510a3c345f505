import { describe, expect, it } from "vitest";
import { LATENCY_BOUNDS } from "../../../../src/realtime/latency.ts";
import { EventLoopDelay } from "../../../../src/runtimes/process/event-loop-delay.ts";
import { eventually } from "../../../support/deadline.ts";

/** The number of delays up to each bound that has any. */
function countsOf({ stats }: EventLoopDelay): Record<string, number> {
  const pairs = stats.counts.map((count, bucket) => [LATENCY_BOUNDS[bucket] ?? "more", count]);
  return Object.fromEntries(pairs.filter(([, count]) => count !== 0));
}

describe("the delay of the event loop", () => {
  it("is by how much a timer is late", () => {
    const delay = new EventLoopDelay(1000);
    delay.measure(1100);
    delay.measure(1204);
    expect(countsOf(delay)).toEqual({ 0.0005: 1, 0.005: 1 });
    expect(delay.stats.seconds).toBeCloseTo(0.004);
  });

  it("is never negative, so a timer that is early counts as punctual", () => {
    const delay = new EventLoopDelay(1000);
    delay.measure(1020);
    expect(countsOf(delay)).toEqual({ 0.0005: 1 });
    expect(delay.stats.seconds).toBe(0);
  });

  it("counts a long block once for each timer that it has held up", () => {
    const delay = new EventLoopDelay(1000);
    // Timers were due at 1100, 1200 and 1300.
    delay.measure(1320);
    expect(countsOf(delay)).toEqual({ 0.025: 1, 0.25: 2 });
    delay.measure(1420);
    expect(countsOf(delay)).toEqual({ 0.0005: 1, 0.025: 1, 0.25: 2 });
  });

  it("is measured by a timer that a busy event loop holds up", async () => {
    const delay = EventLoopDelay.start();
    const end = performance.now() + 400;
    while (performance.now() < end);
    await eventually(() => delay.stats.seconds > 0, "the timer has run");
    // The timer was due 300 ms before the end of the block.
    expect(Object.keys(countsOf(delay))).toContain("0.5");
  });
});
