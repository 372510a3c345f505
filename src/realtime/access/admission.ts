import { RealtimeError } from "../errors.ts";
import type { Logger, Principal } from "../types.ts";
import { Capacity, type CapacityLimits, type KeyCost, type KeyStats, NO_KEYS } from "./capacity.ts";
import type { AddressMismatch } from "./check-subscriber.ts";
import { Revocations } from "./revocations.ts";

const LIMITS_HINT =
  "A limit on clients (maxClients, maxClientsPerAddress) or on subscription keys (maxKeys and the like) is reached. If the service is behind a proxy that it does not trust, all clients count as one address: set trustedProxyHeader.";

const ADDRESS_HINT =
  "The request comes from another network than the stream. If your clients use both IPv4 and IPv6, set checkAddress to false.";

/** Decides whether a client may connect: it may if no limit is reached and its credential is neither revoked nor expired. */
export class Admission {
  readonly #capacity: Capacity;
  readonly #revocations = new Revocations();
  readonly #logger: Logger | undefined;
  readonly #now: () => number;

  /** @param now The wall clock: milliseconds since 1970. */
  constructor(limits: CapacityLimits, logger: Logger | undefined, now: () => number) {
    this.#capacity = new Capacity(limits);
    this.#logger = logger;
    this.#now = now;
  }

  /** Logs that a request was refused because it came from another network than the stream. */
  readonly logAddressMismatch = (addresses: AddressMismatch): void => {
    this.#logger?.warn("subscriptions refused for the address", {
      ...addresses,
      hint: ADDRESS_HINT,
    });
  };

  /**
   * Checks that a client with these keys may connect.
   *
   * @throws RealtimeError as `checkCredential`, `Capacity.checkClient` and `Capacity.checkKeys`.
   */
  admit(principal: Principal, keys: KeyCost = NO_KEYS): void {
    this.checkCredential(principal);
    this.#logRefusal(principal.ip, () => this.#capacity.checkClient(principal.ip));
    this.checkKeys(principal.ip, NO_KEYS, keys);
  }

  /** Calls `Capacity.checkKeys`, and logs a warning when the keys are refused. */
  checkKeys(ip: string | undefined, before: KeyCost, after: KeyCost): void {
    this.#logRefusal(ip, () => this.#capacity.checkKeys(ip, before, after));
  }

  /** Calls `Capacity.changeKeys`. */
  changeKeys(ip: string | undefined, before: KeyCost, after: KeyCost): void {
    this.#capacity.changeKeys(ip, before, after);
  }

  get keyStats(): KeyStats {
    return this.#capacity.keyStats;
  }

  /**
   * Checks that a credential is neither revoked nor expired. A verifier that tolerates differences between clocks may accept a
   * credential that has expired by this clock. The client would lose its rights at once, so its credential is refused here.
   *
   * @throws RealtimeError `revoked`, or `refused_token` for an expired credential.
   */
  checkCredential(principal: Principal): void {
    this.#revocations.check(principal);
    if (principal.expiresAt === undefined || principal.expiresAt > this.#now()) return;
    throw new RealtimeError("refused_token", "This credential has expired. Sign in again.");
  }

  /** Calls `Revocations.add`. */
  revoke(subject: string, at: number): readonly string[] {
    return this.#revocations.add(subject, at);
  }

  /** Calls `Capacity.enter`. */
  enter(ip: string | undefined): void {
    this.#capacity.enter(ip);
  }

  /** Calls `Capacity.leave`. */
  leave(ip: string | undefined): void {
    this.#capacity.leave(ip);
  }

  #logRefusal(ip: string | undefined, check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#logger?.warn("clients are refused", { ip, hint: LIMITS_HINT });
      throw error;
    }
  }
}
