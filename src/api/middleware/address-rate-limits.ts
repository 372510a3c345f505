import { networkOf } from "../../realtime/access/ip-address.ts";
import { createRateLimit, type RateLimit } from "./rate-limit.ts";

/** Client ids that are remembered as new. Of more, the oldest is forgotten. */
const MAX_NEW_CLIENTS = 50_000;

export interface AddressRateLimitOptions {
  /** Of one address, for each kind of request. 0 is no limit. */
  readonly connectsPerSecond: number;
  readonly maxClientsPerAddress: number;
  readonly now: () => number;
}

/**
 * How often one address may open streams, set subscriptions and read the history. Each kind has an allowance of its own: a
 * page that reads the history must not cost another page its stream.
 *
 * As many streams as an address may have may be opened at once, and as many subscriptions set: after a restart all of
 * them come back together.
 */
export class AddressRateLimits {
  readonly #connects: RateLimit;
  readonly #subscribes: RateLimit;
  readonly #reads: RateLimit;
  /** Clients that were let in and have not set their subscriptions yet. */
  readonly #newClients = new Set<string>();

  constructor({ connectsPerSecond, maxClientsPerAddress, now }: AddressRateLimitOptions) {
    const burst = { minBurst: Math.max(maxClientsPerAddress, 1) };
    this.#connects = createRateLimit(connectsPerSecond, "streams opened", now, burst);
    this.#subscribes = createRateLimit(connectsPerSecond, "subscriptions set", now, burst);
    this.#reads = createRateLimit(connectsPerSecond, "history reads", now);
  }

  /** @throws RealtimeError `too_many_requests`. So do the others. */
  checkConnect(ip: string | undefined): void {
    if (ip !== undefined) this.#connects(networkOf(ip));
  }

  checkHistoryRead(ip: string | undefined): void {
    if (ip !== undefined) this.#reads(networkOf(ip));
  }

  /** Notes a client that was let in: it may set its subscriptions once, whatever others at its address have used up. */
  addNewClient(clientId: string): void {
    this.#newClients.add(clientId);
    if (this.#newClients.size <= MAX_NEW_CLIENTS) return;
    for (const oldest of this.#newClients) {
      this.#newClients.delete(oldest);
      break;
    }
  }

  /** On Workers the stream may have been opened in another isolate, which does not tell this one that it let a client in. */
  checkSubscribe(ip: string | undefined, clientId: string): void {
    if (this.#newClients.delete(clientId) || ip === undefined) return;
    this.#subscribes(networkOf(ip));
  }

  /** Forgets a client that has gone. */
  removeClient(clientId: string): void {
    this.#newClients.delete(clientId);
  }
}
