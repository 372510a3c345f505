import { RealtimeError } from "../../realtime/errors.ts";

/** Seconds' worth of its rate that a key which was quiet may use at once. */
const BURST_SECONDS = 10;

/** Keys that are remembered; the key that was quiet longest is forgotten first. */
const MOST_KEYS = 10_000;

/**
 * Takes so much of a key's allowance, or nothing when there is less.
 *
 * @throws RealtimeError `too_many_requests`; `retryAfter` says when the same amount fits.
 */
export type RateLimit = (key: string, amount?: number) => void;

/** A rate limit for work that costs an amount which is known only when the work is done. */
export interface CostLimit {
  /** @throws RealtimeError `too_many_requests` while nothing is left. */
  check(key: string): void;
  /** Takes what the work has cost. The rest may fall below 0, which makes the next wait longer. */
  charge(key: string, amount: number): void;
}

export interface RateLimitOptions {
  /** Least that a key which was quiet may use at once, where ten seconds' worth are less. Default 1. */
  readonly minBurst?: number | undefined;
  /** Called for each refusal. */
  readonly onRefused?: (() => void) | undefined;
}

interface Bucket {
  /** How much is left. */
  tokens: number;
  /** Milliseconds of a monotonic clock. */
  at: number;
}

/** A token bucket for each key, in this process (on Workers: in each isolate). */
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

  /** @param cost Taken when `amount` is there. */
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
    const seconds = (this.#now() - bucket.at) / 1000;
    return Math.min(this.#burst, bucket.tokens + seconds * this.#perSecond);
  }

  /** The newest stands last. */
  #set(key: string, tokens: number): void {
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens, at: this.#now() });
    if (this.#buckets.size <= MOST_KEYS) return;
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest);
      break;
    }
  }

  #refusal(amount: number, tokens: number): RealtimeError {
    this.#onRefused?.();
    if (amount > this.#burst) {
      return new RealtimeError(
        "too_many_requests",
        `These are ${amount} ${this.#what} at once, and ${this.#burst} may come at once. Send fewer at a time.`,
      );
    }
    return new RealtimeError(
      "too_many_requests",
      `These are more ${this.#what} than ${this.#perSecond} a second. Wait as Retry-After says.`,
      { retryAfter: Math.max(Math.ceil((amount - tokens) / this.#perSecond), 1) },
    );
  }
}

/**
 * Limits how much each key does in a second.
 *
 * @param perSecond 0 is no limit.
 * @param what What there is too much of, for the message.
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

/** As `createRateLimit`, for work that costs an amount which is known only when the work is done. */
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
