import type { Renewal } from "../../log/shared-presence.ts";
import type { Logger } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";

/** Time between two renewals of the lease. */
const INTERVAL: Milliseconds = 1000;

/** Options of `PresenceLease`. */
export interface PresenceLeaseOptions {
  readonly leaseTime: Milliseconds;
  /** Extends the lease of this process. Undefined if its source is not known any more. */
  readonly renew: () => Promise<Renewal | undefined>;
  /** Removes the members of a source that is gone. */
  readonly remove: (source: string) => Promise<void>;
  readonly logger: Logger | undefined;
}

/**
 * Extends the lease of this process, and removes the members of processes that did not extend theirs.
 *
 * When Redis was unreachable, or the machine was suspended, the leases of all processes may have ended although the processes run. So
 * this process removes others only after it has extended its own lease in time, without an interruption, for the length of a lease.
 */
export class PresenceLease {
  readonly #options: PresenceLeaseOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Since when this process has extended its lease in time, by `performance.now`. */
  #steadySince: number = performance.now();
  #renewedAt: number = performance.now();
  #isRenewing = false;
  #isRemoving = false;
  #isStopped = false;

  constructor(options: PresenceLeaseOptions) {
    this.#options = options;
    void this.#renew();
    this.#timer = setInterval(() => void this.#renew(), INTERVAL);
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  async #renew(): Promise<void> {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    try {
      const renewal = await this.#options.renew();
      const now = performance.now();
      const { leaseTime } = this.#options;
      const isInTime = renewal?.wasLate === false && now - this.#renewedAt < leaseTime;
      if (!isInTime) this.#steadySince = now;
      this.#renewedAt = now;
      if (renewal === undefined || now - this.#steadySince < leaseTime) return;
      void this.#remove(renewal.gone);
    } catch {
      // Redis can't be reached. The log's reader writes the log line.
      this.#steadySince = performance.now();
    } finally {
      this.#isRenewing = false;
    }
  }

  async #remove(sources: readonly string[]): Promise<void> {
    if (this.#isRemoving) return;
    this.#isRemoving = true;
    try {
      for (const source of sources) {
        if (this.#isStopped) return;
        await this.#options.remove(source);
        this.#options.logger?.info("the members of a process that is gone have left", { source });
      }
    } catch (error) {
      this.#options.logger?.warn("the members of a process that is gone can't be removed yet", {
        error: String(error),
      });
    } finally {
      this.#isRemoving = false;
    }
  }
}
