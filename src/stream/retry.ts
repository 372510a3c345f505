/** How long a client is asked to wait before it reconnects. */
import { formatSSEMessage } from "../realtime/sse.ts";

/** Reconnects that one process takes each second. Each costs Node about 0.3 ms of CPU, and its POST less (docs/performance.md). */
const RECONNECTS_PER_SECOND = 500;

/** The widest spread, in milliseconds. 30,000 clients or more reconnect within one minute. */
const MAX_SPREAD = 60_000;

/** Milliseconds. */
export interface RetryRange {
  readonly min: number;
  readonly max: number;
}

/**
 * The range for so many clients: `most` grows with their number, so that they reconnect at a rate that the service takes.
 */
export function spreadRetry({ min, max }: RetryRange, clients: number): RetryRange {
  const spread = Math.min((clients / RECONNECTS_PER_SECOND) * 1000, MAX_SPREAD);
  return { min, max: Math.max(max, min + spread) };
}

/**
 * How long a client is asked to wait before it comes back, in milliseconds: spread, so that they don't all
 * come at once. When the server stops (`widen` makes it wider for many clients), and when only this stream has had its time.
 */
export const RETRY_RANGES: { readonly shutdown: RetryRange; readonly lifetime: RetryRange } = {
  shutdown: { min: 1000, max: 5000 },
  lifetime: { min: 100, max: 1000 },
};

/** A block with a `retry:` field. Each call draws its own time from the range. */
export function formatRetry({ min, max }: RetryRange): string {
  return formatSSEMessage({ retry: Math.round(min + Math.random() * (max - min)) });
}
