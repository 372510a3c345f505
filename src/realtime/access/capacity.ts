import { RealtimeError } from "../errors.ts";
import type { KeyCost, KeyStats } from "../types.ts";
import { networkOf } from "./ip-address.ts";

/** How many clients and subscription keys there may be. 0 is any number. */
export interface CapacityLimits {
  /** In all. Default 0. */
  readonly maxClients?: number | undefined;
  /** Of one address (`networkOf`). Clients without one are not counted. Default 0. */
  readonly maxClientsPerAddress?: number | undefined;
  /**
   * Subscription keys of all clients, each client's counted by itself, and each topic that rights cover of a key. One takes
   * about 400 bytes of memory beside its characters. Default 0.
   */
  readonly maxKeys?: number | undefined;
  /** Of the clients of one address. Default 0. */
  readonly maxKeysPerAddress?: number | undefined;
  /** Characters (UTF-16 code units) of these keys. Default 0. */
  readonly maxKeyCharacters?: number | undefined;
  /** Of the clients of one address. Default 0. */
  readonly maxKeyCharactersPerAddress?: number | undefined;
}

interface Usage {
  clients: number;
  keys: number;
  characters: number;
}

type Limits = Readonly<Usage>;

export const NO_KEYS: KeyCost = { keys: 0, characters: 0 };

/** Counts clients and their keys, in all and by address. */
export class Capacity {
  readonly #limits: Limits;
  readonly #limitsOfAddress: Limits;
  readonly #total: Usage = { clients: 0, ...NO_KEYS };
  readonly #byAddress = new Map<string, Usage>();
  #refused = 0;

  constructor(limits: CapacityLimits) {
    const any = Number.POSITIVE_INFINITY;
    this.#limits = {
      clients: limits.maxClients || any,
      keys: limits.maxKeys || any,
      characters: limits.maxKeyCharacters || any,
    };
    this.#limitsOfAddress = {
      clients: limits.maxClientsPerAddress || any,
      keys: limits.maxKeysPerAddress || any,
      characters: limits.maxKeyCharactersPerAddress || any,
    };
  }

  get keyStats(): KeyStats {
    const { keys, characters } = this.#total;
    const { keys: limit, characters: charactersLimit } = this.#limits;
    const shown = (number: number) => (Number.isFinite(number) ? number : 0);
    return {
      ...{ used: keys, limit: shown(limit) },
      ...{ characters, charactersLimit: shown(charactersLimit), refused: this.#refused },
    };
  }

  /** @throws RealtimeError `too_many_clients` or, of one address, `too_many_requests` when there is no room for one more. */
  checkClient(ip: string | undefined): void {
    if (this.#total.clients >= this.#limits.clients) {
      throw new RealtimeError(
        "too_many_clients",
        "The server has as many clients as it takes. Try again later.",
      );
    }
    const most = this.#limitsOfAddress.clients;
    if (ip !== undefined && (this.#byAddress.get(networkOf(ip))?.clients ?? 0) >= most) {
      throw new RealtimeError(
        "too_many_requests",
        `There ${most === 1 ? "is 1 stream" : `are ${most} streams`} from this address, and no more are allowed. Close one, or share one stream among tabs.`,
      );
    }
  }

  /**
   * Whether a client may have other keys. A client that gives some back always may.
   *
   * @throws RealtimeError `too_many_clients` or, of one address, `too_many_requests`.
   */
  checkKeys(ip: string | undefined, before: KeyCost, after: KeyCost): void {
    const usage = ip === undefined ? undefined : this.#byAddress.get(networkOf(ip));
    for (const name of ["keys", "characters"] as const) {
      const more = after[name] - before[name];
      if (more <= 0) continue;
      const [all, most] = [this.#total[name] + more, this.#limits[name]];
      if (all > most) throw this.#fullServer(`${most} ${NAMES[name]}`);
      const ofAddress = (usage?.[name] ?? 0) + more;
      const mostOfAddress = this.#limitsOfAddress[name];
      if (ip !== undefined && ofAddress > mostOfAddress) {
        throw this.#fullAddress(`${ofAddress} ${NAMES[name]}`, mostOfAddress);
      }
    }
  }

  enter(ip: string | undefined): void {
    this.#count(ip, { clients: 1, ...NO_KEYS });
  }

  leave(ip: string | undefined): void {
    this.#count(ip, { clients: -1, ...NO_KEYS });
  }

  /** A client that has entered has other keys now. */
  changeKeys(ip: string | undefined, before: KeyCost, after: KeyCost): void {
    const keys = after.keys - before.keys;
    const characters = after.characters - before.characters;
    if (keys !== 0 || characters !== 0) this.#count(ip, { clients: 0, keys, characters });
  }

  #fullServer(limit: string): RealtimeError {
    this.#refused += 1;
    return new RealtimeError(
      "too_many_clients",
      `The server has as many subscriptions as it takes (${limit}). Subscribe to fewer keys, or try again later.`,
    );
  }

  #fullAddress(wanted: string, most: number): RealtimeError {
    this.#refused += 1;
    return new RealtimeError(
      "too_many_requests",
      `The streams from this address would have ${wanted}, and ${most} are allowed. Subscribe to fewer keys, or close streams.`,
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

const NAMES = { keys: "subscription keys", characters: "characters of subscription keys" };

function add(usage: Usage, change: Usage): void {
  usage.clients += change.clients;
  usage.keys += change.keys;
  usage.characters += change.characters;
}
