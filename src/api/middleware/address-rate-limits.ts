import { networkOf } from "../../realtime/access/ip-address.ts";
import { setNewest } from "../../realtime/set-newest.ts";
import { createRateLimit, type RateLimit } from "./rate-limit.ts";

/** Maximum number of new client ids in memory. Beyond this number, the oldest is forgotten. */
const MAX_NEW_CLIENTS = 50_000;

/** The options of `AddressRateLimits`. */
export interface AddressRateLimitOptions {
  /** Requests of each kind per second and address. 0 is no limit. */
  readonly connectsPerSecond: number;
  /** Streams that one address may have: the minimum burst of streams and of subscription requests. 0 sets no minimum. */
  readonly maxClientsPerAddress: number;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/**
 * Limits how often one address (`networkOf`) opens streams, sets subscriptions and reads the history. Each kind of request
 * counts separately, so that one page's reads of the history don't cost another page its stream.
 *
 * The burst of streams and subscriptions is ten seconds' worth, and at least the number of streams that an address may have
 * (if that number has a limit): after a restart of the service all these streams reconnect at once. A request without a known
 * address is not limited.
 */
export class AddressRateLimits {
  readonly #connects: RateLimit;
  readonly #subscribes: RateLimit;
  readonly #reads: RateLimit;
  /** Clients that have connected and have not set their subscriptions yet. */
  readonly #newClients = new Map<string, true>();

  constructor({ connectsPerSecond, maxClientsPerAddress, now }: AddressRateLimitOptions) {
    const burst = { minBurst: Math.max(maxClientsPerAddress, 1) };
    this.#connects = createRateLimit(connectsPerSecond, "streams", now, burst);
    this.#subscribes = createRateLimit(connectsPerSecond, "subscription requests", now, burst);
    this.#reads = createRateLimit(connectsPerSecond, "history reads", now);
  }

  /** Counts a request that opens a stream. @throws RealtimeError `too_many_requests`. */
  checkConnect(ip: string | undefined): void {
    if (ip !== undefined) this.#connects(networkOf(ip));
  }

  /** Counts a read of the history. @throws RealtimeError `too_many_requests`. */
  checkHistoryRead(ip: string | undefined): void {
    if (ip !== undefined) this.#reads(networkOf(ip));
  }

  /**
   * Counts a request that sets subscriptions. A new client's first request is free.
   *
   * On Workers another isolate may have opened the stream. Then the client is not known as new here, and its request counts.
   *
   * @throws RealtimeError `too_many_requests`.
   */
  checkSubscribe(ip: string | undefined, clientId: string): void {
    if (this.#newClients.delete(clientId) || ip === undefined) return;
    this.#subscribes(networkOf(ip));
  }

  /** Remembers a new client, so that it can set its subscriptions although its address has used up the rate. */
  addNewClient(clientId: string): void {
    setNewest(this.#newClients, clientId, true, MAX_NEW_CLIENTS);
  }

  /** Forgets a client that has disconnected. */
  removeClient(clientId: string): void {
    this.#newClients.delete(clientId);
  }
}
