import { RealtimeError } from "../errors.ts";
import { networkOf } from "./ip-address.ts";

/** Limits on clients and subscription keys. 0 is no limit. */
export interface CapacityLimits {
  /** Maximum number of connected clients. Default 0. */
  readonly maxClients?: number | undefined;
  /** Maximum number of connected clients of one address (`networkOf`). Clients without an address don't count. Default 0. */
  readonly maxClientsPerAddress?: number | undefined;
  /**
   * Maximum number of subscription keys over all clients. For a client with rights, the topics in which a key overlaps with
   * the rights count as well. Each key and each topic takes about 400 bytes of memory besides its characters. Default 0.
   */
  readonly maxKeys?: number | undefined;
  /** As `maxKeys`, for the clients of one address. Default 0. */
  readonly maxKeysPerAddress?: number | undefined;
  /** Maximum number of characters of the subscription keys over all clients, in UTF-16 code units. Default 0. */
  readonly maxKeyCharacters?: number | undefined;
  /** As `maxKeyCharacters`, for the clients of one address. Default 0. */
  readonly maxKeyCharactersPerAddress?: number | undefined;
}

/** How much the subscription keys of one client count towards `CapacityLimits`. */
export interface KeyCost {
  /** Number of keys, plus for each key the number of topics in which the key overlaps with the client's rights. */
  readonly keys: number;
  /** Number of characters of the keys, in UTF-16 code units. */
  readonly characters: number;
}

/** The cost of a client without subscriptions. */
export const NO_KEYS: KeyCost = { keys: 0, characters: 0 };

/** How much of the limits on subscription keys is used. For a limit, 0 is no limit. */
export interface KeyStats {
  /** The sum of `KeyCost.keys` over all clients. */
  readonly used: number;
  /** `CapacityLimits.maxKeys`. */
  readonly limit: number;
  /** The sum of `KeyCost.characters` over all clients. */
  readonly characters: number;
  /** `CapacityLimits.maxKeyCharacters`. */
  readonly charactersLimit: number;
  /** Number of requests since the manager was created that were refused because of a limit on keys or characters. */
  readonly refused: number;
}

interface Usage {
  clients: number;
  keys: number;
  characters: number;
}

const KINDS = ["keys", "characters"] as const;

const KIND_NAMES = { keys: "subscription keys", characters: "characters of subscription keys" };

/** Counts clients and their keys, in total and by address, and compares the counts with the limits. */
export class Capacity {
  readonly #limits: Readonly<Usage>;
  readonly #limitsPerAddress: Readonly<Usage>;
  readonly #total: Usage = { clients: 0, ...NO_KEYS };
  readonly #byAddress = new Map<string, Usage>();
  #refused = 0;

  constructor(limits: CapacityLimits) {
    this.#limits = {
      clients: limits.maxClients || Number.POSITIVE_INFINITY,
      keys: limits.maxKeys || Number.POSITIVE_INFINITY,
      characters: limits.maxKeyCharacters || Number.POSITIVE_INFINITY,
    };
    this.#limitsPerAddress = {
      clients: limits.maxClientsPerAddress || Number.POSITIVE_INFINITY,
      keys: limits.maxKeysPerAddress || Number.POSITIVE_INFINITY,
      characters: limits.maxKeyCharactersPerAddress || Number.POSITIVE_INFINITY,
    };
  }

  get keyStats(): KeyStats {
    return {
      used: this.#total.keys,
      limit: finiteOr0(this.#limits.keys),
      characters: this.#total.characters,
      charactersLimit: finiteOr0(this.#limits.characters),
      refused: this.#refused,
    };
  }

  /**
   * Checks that one more client may connect.
   *
   * @throws RealtimeError `too_many_clients`, or `too_many_requests` when the limit of the address is reached.
   */
  checkClient(ip: string | undefined): void {
    if (this.#total.clients >= this.#limits.clients) {
      throw new RealtimeError(
        "too_many_clients",
        "The server has reached its limit of connected clients. Try again later.",
      );
    }
    const limit = this.#limitsPerAddress.clients;
    if (ip !== undefined && (this.#byAddress.get(networkOf(ip))?.clients ?? 0) >= limit) {
      throw new RealtimeError(
        "too_many_requests",
        `There ${limit === 1 ? "is 1 stream" : `are ${limit} streams`} from this address, and no more are allowed. Close one, or share one stream among tabs.`,
      );
    }
  }

  /**
   * Checks that the keys of a connected client may be replaced. A client may always reduce its keys, even above a limit.
   *
   * @throws RealtimeError `too_many_clients`, or `too_many_requests` when the limit of the address is reached.
   */
  checkKeys(ip: string | undefined, before: KeyCost, after: KeyCost): void {
    const usage = ip === undefined ? undefined : this.#byAddress.get(networkOf(ip));
    for (const kind of KINDS) {
      const added = after[kind] - before[kind];
      if (added <= 0) continue;
      const limit = this.#limits[kind];
      if (this.#total[kind] + added > limit) {
        throw this.#serverLimitReached(`${limit} ${KIND_NAMES[kind]}`);
      }
      const wanted = (usage?.[kind] ?? 0) + added;
      const addressLimit = this.#limitsPerAddress[kind];
      if (ip !== undefined && wanted > addressLimit) {
        throw this.#addressLimitReached(`${wanted} ${KIND_NAMES[kind]}`, addressLimit);
      }
    }
  }

  /** Counts a client that has connected. The client has no keys yet. */
  enter(ip: string | undefined): void {
    this.#count(ip, { clients: 1, ...NO_KEYS });
  }

  /** Stops counting a client. Call `changeKeys` first, with `NO_KEYS` as the new keys. */
  leave(ip: string | undefined): void {
    this.#count(ip, { clients: -1, ...NO_KEYS });
  }

  /** Counts the new keys of a connected client in place of its earlier ones. */
  changeKeys(ip: string | undefined, before: KeyCost, after: KeyCost): void {
    const keys = after.keys - before.keys;
    const characters = after.characters - before.characters;
    if (keys !== 0 || characters !== 0) this.#count(ip, { clients: 0, keys, characters });
  }

  #serverLimitReached(limit: string): RealtimeError {
    this.#refused += 1;
    return new RealtimeError(
      "too_many_clients",
      `The server has reached its limit of ${limit}. Subscribe to fewer keys, or try again later.`,
    );
  }

  #addressLimitReached(wanted: string, limit: number): RealtimeError {
    this.#refused += 1;
    return new RealtimeError(
      "too_many_requests",
      `The streams from this address would have ${wanted}, and ${limit} are allowed. Subscribe to fewer keys, or close streams.`,
    );
  }

  #count(ip: string | undefined, change: Usage): void {
    add(this.#total, change);
    if (ip === undefined) return;
    const network = networkOf(ip);
    const usage = this.#byAddress.get(network) ?? { clients: 0, ...NO_KEYS };
    add(usage, change);
    if (usage.clients === 0) this.#byAddress.delete(network);
    else this.#byAddress.set(network, usage);
  }
}

function add(usage: Usage, change: Usage): void {
  usage.clients += change.clients;
  usage.keys += change.keys;
  usage.characters += change.characters;
}

function finiteOr0(limit: number): number {
  return Number.isFinite(limit) ? limit : 0;
}
