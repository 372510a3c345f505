import { RealtimeError } from "../realtime/errors.ts";

/** Seconds' worth of its rate that somebody who was quiet may use at once. */
const BURST_SECONDS = 10;

/** Keys that are remembered; whoever was quiet longest is forgotten first. */
const MOST_KEYS = 10_000;

/** Says whether somebody may do so much more now. @throws RealtimeError `too_many_requests`. */
export type RateLimit = (key: string, amount?: number) => void;

export interface RateLimitOptions {
  /** Least that a key which was quiet may use at once, where ten seconds' worth are less. Default 1. */
  readonly atOnce?: number | undefined;
}

interface Bucket {
  /** How much is left. Below 0 after something large, which only makes the next wait longer. */
  tokens: number;
  /** Milliseconds of a monotonic clock. */
  at: number;
}

/**
 * A token bucket for each key, in this process (on Workers: in each isolate).
 *
 * @param perSecond 0 is no limit.
 * @param what What there is too much of, for the message.
 */
export function createRateLimit(
  perSecond: number,
  what: string,
  now: () => number = () => performance.now(),
  { atOnce = 1 }: RateLimitOptions = {},
): RateLimit {
  if (perSecond === 0) return () => {};
  const burst = Math.max(perSecond * BURST_SECONDS, atOnce);
  const buckets = new Map<string, Bucket>();
  return (key, amount = 1) => {
    const at = now();
    const bucket = buckets.get(key) ?? { tokens: burst, at };
    const tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 1000) * perSecond);
    // The newest stands last.
    buckets.delete(key);
    const isAllowed = tokens >= 1;
    buckets.set(key, { tokens: isAllowed ? tokens - amount : tokens, at });
    if (buckets.size > MOST_KEYS)
      for (const oldest of buckets.keys()) {
        buckets.delete(oldest);
        break;
      }
    if (isAllowed) return;
    throw new RealtimeError(
      "too_many_requests",
      `These are more ${what} than ${perSecond} a second. Wait as Retry-After says.`,
      { retryAfter: Math.max(Math.ceil((1 - tokens) / perSecond), 1) },
    );
  };
}
