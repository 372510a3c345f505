import type { Context, MiddlewareHandler } from "hono";
import { networkOf } from "../../realtime/access/ip-address.ts";
import { RealtimeError, type RealtimeErrorCode } from "../../realtime/errors.ts";
import { createRateLimit, type RateLimit } from "./rate-limit.ts";

/** Errors that a client usually gets again with each new stream, because its credential or its network stays the same. */
const PERMANENT_REFUSALS: ReadonlySet<RealtimeErrorCode> = new Set([
  "unknown_token",
  "refused_token",
  "revoked",
  "not_signed_in",
  "not_allowed",
  "identity_changed",
  "ip_mismatch",
]);

/** Milliseconds. Must be below 15 s: after 15 s the SDK stops waiting for the response, and opens a new stream. */
const DELAY = 10_000;

/** Refusals of one network that are answered without a delay. */
const BURST = 5;
/** A network regains one refusal without a delay a minute. */
const PER_SECOND = 1 / 60;

/** Responses that are delayed at a time. Beyond this number, refusals are answered without a delay, which bounds the memory. */
const MAX_WAITING = 1000;

/** The options of `RefusalDelay`. */
export interface RefusalDelayOptions {
  /** Whether refusals are delayed. */
  readonly isOn: boolean;
  readonly addressOf: (c: Context) => string | undefined;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/**
 * Delays the response to a refused POST by 10 s once a network (`networkOf`) has had more than `BURST` refusals. Refusals count
 * for the network, not for a client.
 *
 * The PocketBase SDK opens its stream without a token. When the POST that follows is refused after a reconnect, the SDK opens
 * the next stream within 2 s, and it never gives up.
 */
export class RefusalDelay {
  readonly #options: RefusalDelayOptions;
  readonly #limit: RateLimit;
  /** For each wait, the function that ends it, and the time after which the entry is removed although its timer did not run. */
  readonly #waiting = new Map<() => void, number>();
  #isStopped = false;

  constructor(options: RefusalDelayOptions) {
    const { isOn, now } = options;
    this.#options = options;
    // A rate of 0 is no limit, so no refusal is ever delayed.
    const perSecond = isOn ? PER_SECOND : 0;
    this.#limit = createRateLimit(perSecond, "refused subscriptions", now, { minBurst: BURST });
  }

  /** Wraps a handler or middleware that may refuse to set subscriptions. */
  delayRefusals(handler: MiddlewareHandler): MiddlewareHandler {
    return async (c, next) => {
      try {
        return await handler(c, next);
      } catch (error) {
        if (this.#spendRefusal(c, error)) {
          // The body is no longer needed, and must not take memory during the wait.
          c.req.bodyCache = {};
          await this.#wait(c.req.raw.signal);
        }
        throw error;
      }
    };
  }

  /** Ends all waits, when the server stops. Later refusals don't wait. */
  stop(): void {
    this.#isStopped = true;
    for (const wake of [...this.#waiting.keys()]) wake();
  }

  /** Counts a refusal. @returns whether the network has used up its refusals, so that the response must be delayed. */
  #spendRefusal(c: Context, error: unknown): boolean {
    if (!(error instanceof RealtimeError) || !PERMANENT_REFUSALS.has(error.code)) return false;
    const ip = this.#options.addressOf(c);
    if (ip === undefined) return false;
    try {
      this.#limit(networkOf(ip));
      return false;
    } catch {
      return true;
    }
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const now = this.#options.now();
    // workerd stops the timers of a request that the client has aborted. The waits of such requests are removed here.
    for (const [wake, until] of this.#waiting) {
      if (until > now) break;
      this.#waiting.delete(wake);
    }
    if (this.#isStopped || signal.aborted || this.#waiting.size >= MAX_WAITING) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", wake);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, DELAY);
      signal.addEventListener("abort", wake);
      this.#waiting.set(wake, now + 2 * DELAY);
    });
  }
}
