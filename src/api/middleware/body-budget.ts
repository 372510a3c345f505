import { RealtimeError } from "../../realtime/errors.ts";
import type { Bytes } from "../../realtime/units.ts";

/** The part of a network's budget that one body takes. */
export interface BodyShare {
  /**
   * Sets the share to the bytes that have arrived so far.
   *
   * @throws RealtimeError `too_many_requests` when the network's budget is used up, and after `release`.
   */
  grow(bytes: Bytes): void;
  /** Returns the whole share to the budget. */
  release(): void;
}

/**
 * Limits the size of all request bodies together that one network (`networkOf`) is sending. Bytes count when they arrive.
 *
 * @param max Bytes of one network.
 * @returns the function that opens the share of one body.
 */
export function createBodyBudget(max: Bytes): (network: string) => BodyShare {
  const used = new Map<string, Bytes>();
  const add = (network: string, bytes: Bytes) => {
    const sum = (used.get(network) ?? 0) + bytes;
    if (sum > 0) used.set(network, sum);
    else used.delete(network);
  };
  return (network) => {
    let share = 0;
    let isReleased = false;
    return {
      grow(bytes) {
        const more = bytes - share;
        if (isReleased || (used.get(network) ?? 0) + more > max) {
          const message =
            "The request bodies that this address is sending are too large together. Send fewer at a time, or wait for the seconds in Retry-After.";
          throw new RealtimeError("too_many_requests", message, { retryAfter: 1 });
        }
        add(network, more);
        share = bytes;
      },
      release() {
        isReleased = true;
        add(network, -share);
        share = 0;
      },
    };
  };
}
