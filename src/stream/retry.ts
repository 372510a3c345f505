/** How long a client is asked to wait before it reconnects. */
import { formatSSEMessage } from "../realtime/sse.ts";

/** Reconnects that one process takes each second. Each costs Node about 0.3 ms of CPU, and its POST less (docs/performance.md). */
const RECONNECTS_PER_SECOND = 500;

/** The widest spread, in milliseconds. 30,000 clients or more reconnect within one minute. */
const MAX_SPREAD = 60_000;

/** Milliseconds. */
export interface RetryRange {
  readonly least: number;
  readonly most: number;
}

/**
 * The range for so many clients: `most` grows with their number, so that they reconnect at a rate that the service takes.
 */
export function spreadRetry({ least, most }: RetryRange, clients: number): RetryRange {
  const spread = Math.min((clients / RECONNECTS_PER_SECOND) * 1000, MAX_SPREAD);
  return { least, most: Math.max(most, least + spread) };
}

/**
 * How long a client is asked to wait before it comes back, in milliseconds: spread, so that they don't all
 * come at once. When the server stops (`widen` makes it wider for many clients), and when only this stream has had its time.
 */
export const RETRY_RANGES: { readonly shutdown: RetryRange; readonly lifetime: RetryRange } = {
  shutdown: { least: 1000, most: 5000 },
  lifetime: { least: 100, most: 1000 },
};

/** A block with a `retry:` field. Each call draws its own time from the range. */
export function formatRetry({ least, most }: RetryRange): string {
  return formatSSEMessage({ retry: Math.round(least + Math.random() * (most - least)) });
}
