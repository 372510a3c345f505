import { RealtimeError } from "../../realtime/errors.ts";
import { setNewest } from "../../realtime/set-newest.ts";
import { BURST_SECONDS } from "../limits.ts";

/** Keys with a bucket of their own. Beyond them the key that was idle for the longest time is forgotten. */
const MAX_KEYS = 10_000;

/**
 * Spends `amount` (default 1) of what a key has left, or nothing when less is left.
 *
 * @throws RealtimeError `too_many_requests`. `retryAfter` is the number of seconds after which the amount will be there; it is
 *   not set for an amount above the burst.
 */
export type RateLimit = (key: string, amount?: number) => void;

/** A rate limit for work whose cost is known only when the work is done. */
export interface CostLimit {
  /** Checks before the work. @throws RealtimeError `too_many_requests` while less than 1 is left. */
  check(key: string): void;
  /** Spends the cost after the work. What is left may fall below 0, and then the key waits longer. */
  charge(key: string, amount: number): void;
}

/** The options of `createRateLimit` and `createCostLimit`. */
export interface RateLimitOptions {
  /** The minimum of the burst. It applies if ten seconds' worth (`BURST_SECONDS`) is less. Default 1. */
  readonly minBurst?: number | undefined;
  /** Is called for each refusal. */
  readonly onRefused?: (() => void) | undefined;
}

interface Bucket {
  /** What the key had left at `filledAt`. */
  tokens: number;
  /** Milliseconds of a monotonic clock. */
  filledAt: number;
}

/** A token bucket for each key in this process (on Workers: in this isolate). */
class Buckets {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #what: string;
  readonly #now: () => number;
  readonly #onRefused: (() => void) | undefined;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perSecond: number, what: string, now: () => number, options: RateLimitOptions) {
    this.#perSecond = perSecond;
    this.#burst = Math.max(perSecond * BURST_SECONDS, options.minBurst ?? 1);
    this.#what = what;
    this.#now = now;
    this.#onRefused = options.onRefused;
  }

  /** Spends `cost` when at least `amount` is left. @throws RealtimeError `too_many_requests`. */
  spend(key: string, amount: number, cost: number): void {
    const tokens = this.#fill(key);
    const isAllowed = tokens >= amount;
    this.#set(key, isAllowed ? tokens - cost : tokens);
    if (!isAllowed) throw this.#refusal(amount, tokens);
  }

  charge(key: string, amount: number): void {
    this.#set(key, this.#fill(key) - amount);
  }

  #fill(key: string): number {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return this.#burst;
    const seconds = (this.#now() - bucket.filledAt) / 1000;
    return Math.min(this.#burst, bucket.tokens + seconds * this.#perSecond);
  }

  /** Moves the key to the end of the Map, whose order is that of the last use. */
  #set(key: string, tokens: number): void {
    setNewest(this.#buckets, key, { tokens, filledAt: this.#now() }, MAX_KEYS);
  }

  #refusal(amount: number, tokens: number): RealtimeError {
    this.#onRefused?.();
    if (amount > this.#burst) {
      return new RealtimeError(
        "too_many_requests",
        `${amount} ${this.#what} at once are more than the limit of ${this.#burst}. Send fewer at a time.`,
      );
    }
    return new RealtimeError(
      "too_many_requests",
      `The limit of ${this.#perSecond} ${this.#what} per second is reached. Wait for the time in Retry-After.`,
      { retryAfter: Math.max(Math.ceil((amount - tokens) / this.#perSecond), 1) },
    );
  }
}

/**
 * Limits what each key does per second. The burst is ten seconds' worth (`BURST_SECONDS`), and at least `minBurst`.
 *
 * @param perSecond 0 is no limit.
 * @param what What is counted, as a plural, for the error message.
 * @param now Milliseconds of a monotonic clock.
 */
export function createRateLimit(
  perSecond: number,
  what: string,
  now: () => number = () => performance.now(),
  options: RateLimitOptions = {},
): RateLimit {
  if (perSecond === 0) return () => {};
  const buckets = new Buckets(perSecond, what, now, options);
  return (key, amount = 1) => buckets.spend(key, amount, amount);
}

/** As `createRateLimit`, for work whose cost is known only when the work is done. */
export function createCostLimit(
  perSecond: number,
  what: string,
  now: () => number = () => performance.now(),
  options: RateLimitOptions = {},
): CostLimit {
  if (perSecond === 0) return { check: () => {}, charge: () => {} };
  const buckets = new Buckets(perSecond, what, now, options);
  return {
    check: (key) => buckets.spend(key, 1, 0),
    charge: (key, amount) => buckets.charge(key, amount),
  };
}
