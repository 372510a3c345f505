/** The `retry:` field: how long a client waits before it reconnects. */
import { formatSSEMessage } from "../realtime/sse.ts";
import type { Milliseconds } from "../realtime/units.ts";

/**
 * Reconnects that one process handles in a second. A reconnect costs about 0.3 ms of CPU time on Node, and the POST that
 * follows costs less (docs/performance.md).
 */
const RECONNECTS_PER_SECOND = 500;

/** The widest spread. 30,000 clients or more reconnect within one minute. */
const MAX_SPREAD: Milliseconds = 60_000;

/** The range from which each client's delay is drawn. */
export interface RetryRange {
  readonly min: Milliseconds;
  readonly max: Milliseconds;
}

/**
 * Delays by the reason why a stream ended. They are random, so that clients whose streams ended together do not reconnect
 * together.
 */
export const RETRY_RANGES: { readonly shutdown: RetryRange; readonly lifetime: RetryRange } = {
  /** The server is shutting down, or refused the client. `spreadRetry` widens the range for many clients. */
  shutdown: { min: 1000, max: 5000 },
  /** Only this stream has reached its number of writes. */
  lifetime: { min: 100, max: 1000 },
};

/** Widens a range with the number of clients that reconnect, so that they arrive at a rate that the server can handle. */
export function spreadRetry({ min, max }: RetryRange, clients: number): RetryRange {
  const spread = Math.min((clients / RECONNECTS_PER_SECOND) * 1000, MAX_SPREAD);
  return { min, max: Math.max(max, min + spread) };
}

/** An SSE block with a `retry:` field and no event. Each call draws a new delay from the range. */
export function formatRetry({ min, max }: RetryRange): string {
  return formatSSEMessage({ retry: Math.round(min + Math.random() * (max - min)) });
}
