import { networkOf } from "../../realtime/access/ip-address.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import type { Logger } from "../../realtime/types.ts";

/** A network without failures may have as many at once as the rate allows in so many seconds. */
const BURST_SECONDS = 10;

/** Networks, and pairs of a network and a credential, that are remembered. The oldest are forgotten first. */
const MAX_REMEMBERED = 10_000;

interface Budget {
  readonly left: number;
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
}

/**
 * Counts and logs the credentials that are refused, and bounds how fast one network can guess. While a
 * network has spent its failures, a credential is not looked at and gets 429, unless it was good for that network before,
 * so clients that share the address with a guesser are not affected. Counts are per process (on Workers per isolate).
 */
export class FailedCredentials {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #now: () => number;
  readonly #logger: Logger | undefined;
  readonly #budgets = new Map<string, Budget>();
  readonly #accepted = new Map<string, true>();
  #total = 0;

  /**
   * @param perSecond Failures a second that one network may have; 0 is no limit.
   * @param now Milliseconds of a monotonic clock.
   */
  constructor(perSecond: number, logger: Logger | undefined, now: () => number) {
    this.#perSecond = perSecond;
    this.#burst = Math.max(perSecond * BURST_SECONDS, 1);
    this.#now = now;
    this.#logger = logger;
  }

  /** How many credentials have been refused. */
  get total(): number {
    return this.#total;
  }

  /** @throws RealtimeError `too_many_requests` when the network has to wait before it may try this credential. */
  check(ip: string | undefined, credential: string): void {
    if (ip === undefined || this.#perSecond === 0) return;
    const network = networkOf(ip);
    const left = this.#leftOf(network);
    if (left >= 1 || this.#accepted.has(pairOf(network, credential))) return;
    const message =
      "Too many credentials from this address were refused. Wait as Retry-After says.";
    const retryAfter = Math.max(Math.ceil((1 - left) / this.#perSecond), 1);
    throw new RealtimeError("too_many_requests", message, { retryAfter });
  }

  succeeded(ip: string | undefined, credential: string): void {
    if (ip !== undefined) remember(this.#accepted, pairOf(networkOf(ip), credential), true);
  }

  failed(ip: string | undefined): void {
    this.#total += 1;
    this.#logger?.warn("credentials refused", { address: ip });
    if (ip === undefined) return;
    const network = networkOf(ip);
    const left = Math.max(this.#leftOf(network) - 1, 0);
    remember(this.#budgets, network, { left, at: this.#now() });
  }

  #leftOf(network: string): number {
    const budget = this.#budgets.get(network);
    if (budget === undefined) return this.#burst;
    const seconds = (this.#now() - budget.at) / 1000;
    return Math.min(budget.left + seconds * this.#perSecond, this.#burst);
  }
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= MAX_REMEMBERED) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    break;
  }
}

/**
 * Credentials are not kept, only a hash of 32 bits (FNV-1a). Two credentials with one hash do no harm: the hash decides
 * only whether a credential is verified.
 */
function pairOf(network: string, credential: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < credential.length; index++) {
    hash = Math.imul(hash ^ credential.charCodeAt(index), 0x01000193);
  }
  return `${network} ${credential.length} ${hash >>> 0}`;
}
