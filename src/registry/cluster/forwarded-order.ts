import { ARRIVAL_STEP } from "../../realtime/clock.ts";
import type { Milliseconds } from "../../realtime/units.ts";

/** Number of clients of which the newest forwarded request is remembered. */
const REMEMBERED_CLIENTS = 10_000;

/** When a request arrived in the process that forwards it. */
export interface ForwardedArrival {
  /** Name of the process that forwards the request. */
  readonly home: string;
  /** When the request arrived, by the arrival clock of that process (`createArrivalClock`). */
  readonly at: Milliseconds;
  /** Time that the request has waited in that process since then, for its body, a token's issuer or a hook. */
  readonly waited: Milliseconds;
}

/**
 * Says when forwarded requests of a client arrived, by the arrival clock of this process. The clocks of two machines differ, so
 * only the time that a request has waited is taken from the other process. The result is too late by the time that the request
 * travelled between the processes, usually less than a millisecond.
 *
 * Requests of one client that the same process forwards keep their exact order, even if one of them travelled longer.
 */
export class ForwardedOrder {
  readonly #nextArrival: () => number;
  /** The newest forwarded request by client id, with its time by the clock of this process. */
  readonly #newest = new Map<string, ForwardedArrival & { readonly arrivedAt: number }>();

  /** @param nextArrival The arrival clock of this process, which is also used for the requests that arrive here. */
  constructor(nextArrival: () => number) {
    this.#nextArrival = nextArrival;
  }

  /** Returns `SubscribeRequest.arrivedAt` for a forwarded request. */
  arrivedAt(clientId: string, { home, at, waited }: ForwardedArrival): number {
    const estimate = this.#nextArrival() - waited;
    const newest = this.#newest.get(clientId);
    if (newest?.home !== home) return estimate;
    if (at > newest.at) return Math.max(estimate, newest.arrivedAt + ARRIVAL_STEP);
    if (at < newest.at) return Math.min(estimate, newest.arrivedAt - ARRIVAL_STEP);
    // The request is repeated because its answer was lost.
    return newest.arrivedAt;
  }

  /** Remembers a request that has succeeded. A request that has failed must not supersede an earlier one. */
  remember(clientId: string, arrival: ForwardedArrival, arrivedAt: number): void {
    const newest = this.#newest.get(clientId);
    if (newest?.home === arrival.home && newest.at >= arrival.at) return;
    this.#newest.delete(clientId);
    this.#newest.set(clientId, { ...arrival, arrivedAt });
    const [oldest] = this.#newest.keys();
    if (this.#newest.size > REMEMBERED_CLIENTS && oldest !== undefined) this.#newest.delete(oldest);
  }
}
