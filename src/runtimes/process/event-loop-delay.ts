import { LatencyHistogram, type LatencyStats } from "../../realtime/latency.ts";
import type { Milliseconds } from "../../realtime/units.ts";

/** Time between two measurements. */
const INTERVAL: Milliseconds = 100;

/**
 * Measures how long an event waits until the event loop is free, by how late a timer runs. `monitorEventLoopDelay` of
 * `node:perf_hooks` is not used, because its histogram can't be converted to buckets that only grow. Prometheus needs such
 * buckets to add up processes, and so that two Prometheus servers can read them.
 */
export class EventLoopDelay {
  readonly #histogram = new LatencyHistogram();
  #due: Milliseconds;

  /** @param now The time of a clock that is never set back. */
  constructor(now: Milliseconds) {
    this.#due = now + INTERVAL;
  }

  /** Starts a timer that measures until the process ends. The timer does not keep the process running. */
  static start(): EventLoopDelay {
    const delay = new EventLoopDelay(performance.now());
    setInterval(() => delay.measure(performance.now()), INTERVAL).unref();
    return delay;
  }

  /**
   * Adds the delay of a timer that runs now. A block of the event loop that is longer than the interval counts once for each
   * timer that would have run. The buckets therefore show in which share of the time an event waits.
   */
  measure(now: Milliseconds): void {
    let delay = Math.max(now - this.#due, 0);
    do {
      this.#histogram.observe(delay);
      delay -= INTERVAL;
    } while (delay > 0);
    this.#due = now + INTERVAL;
  }

  get stats(): LatencyStats {
    return this.#histogram.stats;
  }
}
