/** The `retry:` field: how long a client waits before it reconnects. */
import { formatSSEMessage } from "../realtime/sse.ts";
import type { Milliseconds } from "../realtime/units.ts";

/**
 * Number of reconnects that one process can handle in a second. With thousands of clients on Node, a reconnect takes 0.3 to
 * 0.5 ms of CPU time (docs/performance.md, "CPU a connect"). The POST that follows takes less.
 */
const RECONNECTS_PER_SECOND = 500;

/** Maximum spread. Any number of clients from 30,000 up is spread over one minute. */
const MAX_SPREAD: Milliseconds = 60_000;

/** The range of the random delays. */
export interface RetryRange {
  readonly min: Milliseconds;
  readonly max: Milliseconds;
}

/**
 * The ranges by the reason why a stream ended. The delays are random, so that clients do not reconnect at the same time if
 * their streams ended at the same time.
 */
export const RETRY_RANGES: { readonly shutdown: RetryRange; readonly lifetime: RetryRange } = {
  /** For all reasons except `lifetime`. `spreadRetry` widens the range for many clients. */
  shutdown: { min: 1000, max: 5000 },
  /** For a stream that has reached `maxWrites`, or whose hub was interrupted during a delivery. */
  lifetime: { min: 100, max: 1000 },
};

/**
 * Widens a range in proportion to the number of clients that reconnect, up to one minute, so that the server can handle all
 * reconnects.
 */
export function spreadRetry({ min, max }: RetryRange, clients: number): RetryRange {
  const spread = Math.min((clients / RECONNECTS_PER_SECOND) * 1000, MAX_SPREAD);
  return { min, max: Math.max(max, min + spread) };
}

/** Formats an SSE block with only a `retry:` field. Each call chooses a new random delay from the range. */
export function formatRetry({ min, max }: RetryRange): string {
  return formatSSEMessage({ retry: Math.round(min + Math.random() * (max - min)) });
}
