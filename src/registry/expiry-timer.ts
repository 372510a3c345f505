import type { RealtimeManager } from "../realtime/manager.ts";
import type { Milliseconds } from "../realtime/units.ts";

/** Maximum delay of the timer. If the wall clock is set forward, credentials expire at most this much too late. */
const MAX_DELAY: Milliseconds = 30_000;

/**
 * Calls `manager.expire` when credentials of clients expire. There is one timer for all clients. No timer is started while no
 * client has a credential that expires.
 */
export class ExpiryTimer {
  readonly #manager: RealtimeManager;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** The expiry for which the timer is set, in milliseconds since 1970. The timer fires after `MAX_DELAY` at the latest. */
  #at: Milliseconds = Number.POSITIVE_INFINITY;

  constructor(manager: RealtimeManager) {
    this.#manager = manager;
  }

  /** Call this after each change of a client's credential. If the new credential expires first, the timer fires earlier. */
  schedule(): void {
    const { expiresIn } = this.#manager;
    if (expiresIn === undefined) return;
    const at = Date.now() + expiresIn;
    if (at >= this.#at) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(() => this.#onTimer(), Math.min(expiresIn, MAX_DELAY));
    // The timer alone must not keep the process running. The cast: a timer that is a number has no `unref`.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  /** Stops the timer. Later calls of `schedule` do nothing. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#at = Number.NEGATIVE_INFINITY;
  }

  #onTimer(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#manager.expire();
    this.schedule();
  }
}
