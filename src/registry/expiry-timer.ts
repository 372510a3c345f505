import type { RealtimeManager } from "../realtime/manager.ts";
import type { Milliseconds } from "../realtime/units.ts";

/** Longest delay of the timer. The wall clock may be set forward meanwhile, so the timer checks it again. */
const MAX_DELAY: Milliseconds = 30_000;

/**
 * Calls `manager.expire` when credentials of clients expire. It uses one timer for all clients, and none while no credential
 * expires.
 */
export class ExpiryTimer {
  readonly #manager: RealtimeManager;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** When the timer fires, in milliseconds since 1970. */
  #at: Milliseconds = Number.POSITIVE_INFINITY;

  constructor(manager: RealtimeManager) {
    this.#manager = manager;
  }

  /** Call this after each change of a client's credential. It moves the timer forward if the new credential expires first. */
  schedule(): void {
    const { expiresIn } = this.#manager;
    if (expiresIn === undefined) return;
    const at = Date.now() + expiresIn;
    if (at >= this.#at) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(() => this.#onTimer(), Math.min(expiresIn, MAX_DELAY));
    // The timer alone must not keep the process running. In runtimes with numeric timers, there is no `unref`.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  /** Stops the timer for good. */
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
