import type { RealtimeManager } from "../realtime/manager.ts";

/** Milliseconds after which the wall clock is looked at again: it may have been set forward meanwhile. */
const LONGEST = 30_000;

/** Lets a manager expire its clients' credentials on time: one timer, however many there are, and none when there are none. */
export class ExpiryTimer {
  readonly #manager: RealtimeManager;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** When it fires, in milliseconds since 1970. */
  #at = Number.POSITIVE_INFINITY;

  constructor(manager: RealtimeManager) {
    this.#manager = manager;
  }

  /** To be called whenever a credential may have come that ends sooner than the others. */
  schedule(): void {
    const { expiresIn } = this.#manager;
    if (expiresIn === undefined) return;
    const at = Date.now() + expiresIn;
    if (at >= this.#at) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(() => this.#ring(), Math.min(expiresIn, LONGEST));
    // It alone is no reason for a process to go on.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#at = Number.NEGATIVE_INFINITY;
  }

  #ring(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#manager.expire();
    this.schedule();
  }
}
