import type { Admission } from "../access/admission.ts";
import { type KeyCost, NO_KEYS } from "../access/capacity.ts";
import { CredentialExpiries } from "../access/credential-expiry.ts";
import { costOfKeys } from "../access/key-cost.ts";
import { RealtimeError } from "../errors.ts";
import { SubscriptionIndex } from "../subscriptions/subscription-index.ts";
import { envelopeKey, eventNameOf } from "../subscriptions/subscription-key.ts";
import type { ClientInfo, FrameSink, Principal, StreamOptions } from "../types.ts";
import { type Client, createClient, describeClient } from "./client.ts";

/**
 * The connected clients and their subscriptions, with the subscription index, the counts for the capacity limits, and the expiry
 * times of credentials. Code that changes the rights or the expiry time of a client must then call `applyRights` or
 * `trackExpiry`.
 */
export class ClientStore {
  readonly index: SubscriptionIndex<Client> = new SubscriptionIndex<Client>();
  readonly #clients = new Map<string, Client>();
  readonly #expiries = new CredentialExpiries<Client>();
  readonly #admission: Admission;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  get size(): number {
    return this.#clients.size;
  }

  /**
   * Adds a client without subscriptions. The limits on capacity are not checked here.
   *
   * @throws RealtimeError `client_exists` when a connected client has the id.
   */
  add(
    clientId: string,
    sink: FrameSink,
    principal: Principal & StreamOptions,
    connectedAt: number,
  ): Client {
    if (this.#clients.has(clientId)) {
      throw new RealtimeError(
        "client_exists",
        `A client "${clientId}" is already connected. Give each connection its own id.`,
      );
    }
    const client = createClient(clientId, sink, principal, connectedAt);
    this.#clients.set(clientId, client);
    this.#admission.enter(client.ip);
    this.#expiries.track(client);
    return client;
  }

  get(clientId: string): Client | undefined {
    return this.#clients.get(clientId);
  }

  /** Whether this client object is connected. False for an object that was removed, even if another client has its id now. */
  has(client: Client): boolean {
    return this.#clients.get(client.clientId) === client;
  }

  /** The clients in the order in which they connected. */
  values(): IterableIterator<Client> {
    return this.#clients.values();
  }

  /** The client ids in the order in which the clients connected. */
  ids(): string[] {
    return [...this.#clients.keys()];
  }

  /** Returns a description of a client, for callers outside the core. Undefined when no client has the id. */
  describe(clientId: string): ClientInfo | undefined {
    const client = this.#clients.get(clientId);
    return client && describeClient(client, this.#sentKeys(client));
  }

  /**
   * Replaces the client's subscription keys. If the client has `StreamOptions.envelope`, the index gets the `envelopeKey` of each
   * key.
   *
   * @param keys As the client sent them.
   * @param cost The result of `costOfKeys` for the keys and the client's rights.
   */
  setKeys(client: Client, keys: readonly string[], cost: KeyCost): void {
    const indexed = client.envelope ? keys.map((key) => key && envelopeKey(key)) : keys;
    client.hasOneKey = this.index.replace(client, indexed, client.rights) === 1;
    this.#countKeys(client, cost);
  }

  /** Must be called after the rights of a client have changed, unless `setKeys` follows. */
  applyRights(client: Client): void {
    this.index.changeRights(client, client.rights);
    this.#countKeys(client, costOfKeys(this.#sentKeys(client), client.rights));
  }

  /** Must be called after `expiresAt` or `closesAt` of a client has changed. */
  trackExpiry(client: Client): void {
    this.#expiries.track(client);
  }

  /** The next time at which a credential or a grace period ends, in milliseconds since 1970. Undefined when there is none. */
  get nextExpiry(): number | undefined {
    return this.#expiries.next;
  }

  /** Returns the clients whose credential has expired or whose grace period is over, and stops tracking them. */
  popExpired(now: number): readonly Client[] {
    return this.#expiries.popDue(now);
  }

  /** Removes a client with its subscriptions. Returns false when the client is not connected. */
  delete(client: Client): boolean {
    if (!this.has(client)) return false;
    this.#clients.delete(client.clientId);
    this.index.remove(client);
    this.#admission.changeKeys(client.ip, client.keyCost, NO_KEYS);
    this.#admission.leave(client.ip);
    this.#expiries.forget(client);
    return true;
  }

  /** Waiting bytes of all clients. Goes through all clients. */
  get bufferedBytes(): number {
    let sum = 0;
    for (const { sink } of this.#clients.values()) sum += sink.bufferedBytes;
    return sum;
  }

  /** The client's keys as it sent them. */
  #sentKeys(client: Client): string[] {
    return this.index.keysOf(client).map(eventNameOf);
  }

  #countKeys(client: Client, cost: KeyCost): void {
    this.#admission.changeKeys(client.ip, client.keyCost, cost);
    client.keyCost = cost;
  }
}
