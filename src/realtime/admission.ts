import { Capacity, type CapacityLimits } from "./capacity.ts";
import type { AddressMismatch } from "./client.ts";
import { RealtimeError } from "./errors.ts";
import { createLogThrottle } from "./log-throttle.ts";
import { Revocations } from "./revocations.ts";
import type { Logger, Peer } from "./types.ts";

const HINT =
  "more clients than REALTIME_MAX_CLIENTS or REALTIME_MAX_CLIENTS_PER_ADDRESS; behind a proxy set REALTIME_TRUSTED_PROXY_HEADER";

/** Who is let in: those for whom there is room, and whose credential was not revoked. */
export class Admission {
  readonly #capacity: Capacity;
  readonly #revocations = new Revocations();
  readonly #logger: Logger | undefined;
  readonly #now: () => number;
  readonly noteAddressMismatch: (addresses: AddressMismatch) => void;

  constructor(limits: CapacityLimits, logger: Logger | undefined, now: () => number) {
    this.#capacity = new Capacity(limits);
    this.#logger = logger;
    this.#now = now;
    this.noteAddressMismatch = createLogThrottle((fields) => {
      const hint =
        "The request comes from another network than the stream. Clients that use IPv4 and IPv6 side by side need REALTIME_CHECK_IP=false.";
      logger?.warn("subscriptions refused for the address", { ...fields, hint });
    }, now);
  }

  /** @throws RealtimeError as `checkCredential`, `too_many_clients` or, of one address, `too_many_requests`. */
  admit(peer: Peer): void {
    this.checkCredential(peer);
    try {
      this.#capacity.check(peer.ip);
    } catch (error) {
      this.#logger?.warn("clients are refused", { ip: peer.ip, hint: HINT });
      throw error;
    }
  }

  /**
   * Whether a client may be who a credential says. What a verifier lets through because clocks differ would end at once.
   *
   * @throws RealtimeError `revoked`, or `refused_token` when it has ended.
   */
  checkCredential(peer: Peer): void {
    this.checkRevoked(peer);
    if (peer.expiresAt === undefined || peer.expiresAt > this.#now()) return;
    throw new RealtimeError("refused_token", "This credential has expired. Sign in again.");
  }

  /** @throws RealtimeError `revoked`. */
  checkRevoked(peer: Peer): void {
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
}
