import { networkOf } from "../../realtime/access/ip-address.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import { setNewest } from "../../realtime/set-newest.ts";
import type { Logger } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import { BURST_SECONDS } from "../limits.ts";

/**
 * How many networks with a budget are kept in memory, and how many accepted pairs of a network and a credential. The oldest
 * are dropped first.
 */
const MAX_REMEMBERED = 10_000;

interface Budget {
  readonly left: number;
  /** Monotonic time of `left`. */
  readonly at: Milliseconds;
}

/**
 * Counts and logs refused credentials, and limits how fast one network can guess. When a network has used up its budget of
 * failures, requests with credentials are refused, and the credentials are not verified. A credential that this network has
 * used successfully is exempt, so clients that share an address with an attacker keep working. Counts are per process, and on
 * Workers per isolate.
 */
export class FailedCredentials {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #now: () => Milliseconds;
  readonly #logger: Logger | undefined;
  readonly #budgets = new Map<string, Budget>();
  readonly #accepted = new Map<string, true>();
  #total = 0;

  /**
   * @param perSecond Failures per second and network; 0 is no limit.
   * @param now A monotonic clock.
   */
  constructor(perSecond: number, logger: Logger | undefined, now: () => Milliseconds) {
    this.#perSecond = perSecond;
    this.#burst = Math.max(perSecond * BURST_SECONDS, 1);
    this.#now = now;
    this.#logger = logger;
  }

  /** How often `failed` was called: the number of credentials that were verified and found wrong. */
  get total(): number {
    return this.#total;
  }

  /** @throws RealtimeError `too_many_requests` when the network must wait before this credential is checked. */
  check(ip: string | undefined, credential: string): void {
    if (ip === undefined || this.#perSecond === 0) return;
    const network = networkOf(ip);
    const left = this.#leftOf(network);
    if (left >= 1 || this.#accepted.has(pairKey(network, credential))) return;
    const message =
      "Too many credentials from this address were refused. Wait for the seconds in Retry-After.";
    const retryAfter = Math.max(Math.ceil((1 - left) / this.#perSecond), 1);
    throw new RealtimeError("too_many_requests", message, { retryAfter });
  }

  /** Exempts this credential from the limit of its network. */
  succeeded(ip: string | undefined, credential: string): void {
    if (ip === undefined) return;
    setNewest(this.#accepted, pairKey(networkOf(ip), credential), true, MAX_REMEMBERED);
  }

  /** Counts a refused credential. */
  failed(ip: string | undefined): void {
    this.#total += 1;
    this.#logger?.warn("credentials refused", { address: ip });
    if (ip === undefined) return;
    const network = networkOf(ip);
    const left = Math.max(this.#leftOf(network) - 1, 0);
    setNewest(this.#budgets, network, { left, at: this.#now() }, MAX_REMEMBERED);
  }

  #leftOf(network: string): number {
    const budget = this.#budgets.get(network);
    if (budget === undefined) return this.#burst;
    const seconds = (this.#now() - budget.at) / 1000;
    return Math.min(budget.left + seconds * this.#perSecond, this.#burst);
  }
}

/**
 * A key with a 32-bit hash (FNV-1a) of the credential, so that no credential is kept in memory. A collision is harmless: it
 * exempts a credential from the limit, and the credential is still verified.
 */
function pairKey(network: string, credential: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < credential.length; index++) {
    hash = Math.imul(hash ^ credential.charCodeAt(index), 0x01000193);
  }
  return `${network} ${credential.length} ${hash >>> 0}`;
}
