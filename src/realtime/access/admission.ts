import type { AddressMismatch } from "../clients/client.ts";
import { RealtimeError } from "../errors.ts";
import type { KeyCost, KeyStats, Logger, Principal } from "../types.ts";
import { Capacity, type CapacityLimits, NO_KEYS } from "./capacity.ts";
import { Revocations } from "./revocations.ts";

const HINT =
  "more clients than REALTIME_MAX_CLIENTS or REALTIME_MAX_CLIENTS_PER_ADDRESS, or more keys than REALTIME_MAX_KEYS…; behind a proxy set REALTIME_TRUSTED_PROXY_HEADER";

/** Decides which clients are let in: there must be room for them, and their credential must not be revoked. */
export class Admission {
  readonly #capacity: Capacity;
  readonly #revocations = new Revocations();
  readonly #logger: Logger | undefined;
  readonly #now: () => number;

  constructor(limits: CapacityLimits, logger: Logger | undefined, now: () => number) {
    this.#capacity = new Capacity(limits);
    this.#logger = logger;
    this.#now = now;
  }

  readonly logAddressMismatch = (addresses: AddressMismatch): void => {
    const hint =
      "The request comes from another network than the stream. Clients that use IPv4 and IPv6 side by side need REALTIME_CHECK_IP=false.";
    this.#logger?.warn("subscriptions refused for the address", { ...addresses, hint });
  };

  /** @throws RealtimeError as `checkCredential`, `too_many_clients` or, of one address, `too_many_requests`. */
  admit(peer: Principal, keys: KeyCost = NO_KEYS): void {
    this.checkCredential(peer);
    this.#logRefusal(peer.ip, () => this.#capacity.checkClient(peer.ip));
    this.checkKeys(peer.ip, NO_KEYS, keys);
  }

  /** @throws RealtimeError `too_many_clients` or, of one address, `too_many_requests`. */
  checkKeys(ip: string | undefined, before: KeyCost, after: KeyCost): void {
    this.#logRefusal(ip, () => this.#capacity.checkKeys(ip, before, after));
  }

  /** A client that was let in has other keys now. */
  changeKeys(ip: string | undefined, before: KeyCost, after: KeyCost): void {
    this.#capacity.changeKeys(ip, before, after);
  }

  get keyStats(): KeyStats {
    return this.#capacity.keyStats;
  }

  /**
   * Whether a client may be who a credential says. What a verifier lets through because clocks differ would end at once.
   *
   * @throws RealtimeError `revoked`, or `refused_token` when it has ended.
   */
  checkCredential(peer: Principal): void {
    this.checkRevoked(peer);
    if (peer.expiresAt === undefined || peer.expiresAt > this.#now()) return;
    throw new RealtimeError("refused_token", "This credential has expired. Sign in again.");
  }

  /** @throws RealtimeError `revoked`. */
  checkRevoked(peer: Principal): void {
    this.#revocations.check(peer);
  }

  /** Returns the subjects that are forgotten for this one. */
  revoke(subject: string, at: number): readonly string[] {
    return this.#revocations.add(subject, at);
  }

  enter(ip: string | undefined): void {
    this.#capacity.enter(ip);
  }

  leave(ip: string | undefined): void {
    this.#capacity.leave(ip);
  }

  #logRefusal(ip: string | undefined, check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#logger?.warn("clients are refused", { ip, hint: HINT });
      throw error;
    }
  }
}
