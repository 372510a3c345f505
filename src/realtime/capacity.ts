import { networkOf } from "./address.ts";
import { RealtimeError } from "./errors.ts";

/** How many clients there may be. 0 is any number. */
export interface CapacityLimits {
  /** In all. Default 0. */
  readonly maxClients?: number | undefined;
  /** Of one address (`networkOf`). Clients without one are not counted. Default 0. */
  readonly maxClientsPerAddress?: number | undefined;
}

/** Counts clients, in all and by address. */
export class Capacity {
  readonly #maxClients: number;
  readonly #maxPerAddress: number;
  readonly #byAddress = new Map<string, number>();
  #clients = 0;

  constructor({ maxClients, maxClientsPerAddress }: CapacityLimits) {
    this.#maxClients = maxClients || Number.POSITIVE_INFINITY;
    this.#maxPerAddress = maxClientsPerAddress || Number.POSITIVE_INFINITY;
  }

  /** @throws RealtimeError `too_many_clients` or, of one address, `too_many_requests` when there is no room for one more. */
  check(ip: string | undefined): void {
    if (this.#clients >= this.#maxClients) {
      throw new RealtimeError(
        "too_many_clients",
        "The server has as many clients as it takes. Try again later.",
      );
    }
    if (ip !== undefined && (this.#byAddress.get(networkOf(ip)) ?? 0) >= this.#maxPerAddress) {
      throw new RealtimeError(
        "too_many_requests",
        `There ${this.#maxPerAddress === 1 ? "is 1 stream" : `are ${this.#maxPerAddress} streams`} from this address, and no more are allowed. Close one, or share one stream among tabs.`,
      );
    }
  }

  enter(ip: string | undefined): void {
    this.#count(ip, 1);
  }

  leave(ip: string | undefined): void {
    this.#count(ip, -1);
  }

  #count(ip: string | undefined, change: 1 | -1): void {
    this.#clients += change;
    if (ip === undefined) return;
    const network = networkOf(ip);
    const count = (this.#byAddress.get(network) ?? 0) + change;
    if (count === 0) this.#byAddress.delete(network);
    else this.#byAddress.set(network, count);
  }
}
