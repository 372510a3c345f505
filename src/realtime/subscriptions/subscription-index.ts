import { compileRights } from "../access/rights.ts";
import { matchingTopics, topicOf } from "./subscription-key.ts";
import {
  byKeyHash,
  entriesOf,
  type Subscription,
  type SubscriptionEntry,
  SubscriptionTable,
} from "./subscription-table.ts";

export type { Subscription } from "./subscription-table.ts";

/** What one client has. */
interface ClientKeys<Client> {
  readonly keys: Map<string, SubscriptionEntry<Client>>;
  /** Of its keys, what its rights cover. */
  covered: SubscriptionEntry<Client>[];
  /** `keys` and `covered` in the order of their marks; made when they are asked for. */
  sortedKeys: readonly SubscriptionEntry<Client>[] | undefined;
  sortedCovered: readonly SubscriptionEntry<Client>[] | undefined;
}

const NO_RIGHTS: readonly string[] = [];

/** What a message reaches: subscriptions in no order, and none of them is copied or sorted. */
export interface Audience<Client> {
  /** How many there are, now. One key may be among them under several topics. */
  readonly count: number;
  /** Those that there are when each is come upon. */
  subscriptions(): Generator<Subscription<Client>>;
  /** Those of one client, each key once, in the order of their marks. */
  of(client: Client): readonly Subscription<Client>[];
}

/**
 * topic -> key -> clients, and the way back. Finding who gets a message takes as many look-ups as its
 * topics have levels, plus the matches; replacing a client's keys takes as many steps as it has keys, times its rights.
 *
 * Rights are looked at when keys or rights are set. Private messages have a table of their own, where a key stands
 * under the topics that its client has a right to; so delivering one is the same look-up.
 */
export class SubscriptionIndex<Client> {
  readonly #public = new SubscriptionTable<Client>();
  readonly #private = new SubscriptionTable<Client>();
  readonly #byClient = new Map<Client, ClientKeys<Client>>();
  #size = 0;

  /** Keys over all clients. */
  get size(): number {
    return this.#size;
  }

  /** Distinct topics. */
  get topics(): number {
    return this.#public.size;
  }

  /** Distinct topics in no order, and how many keys there are of each over all clients. */
  countTopics(): Generator<[topic: string, subscriptions: number]> {
    return this.#public.count();
  }

  keysOf(client: Client): string[] {
    return [...(this.#byClient.get(client)?.keys.keys() ?? [])];
  }

  /**
   * Gives `client` these keys and no others. Keys that stay keep their place, so nothing is missed.
   *
   * @param rights Patterns of the topics whose private messages it may have. Default: none.
   */
  replace(client: Client, keys: readonly string[], rights: readonly string[] = NO_RIGHTS): void {
    const wanted = new Set(keys);
    wanted.delete("");
    const held = this.#byClient.get(client) ?? createClientKeys();
    held.sortedKeys = undefined;
    for (const [key, entry] of held.keys) {
      if (wanted.has(key)) continue;
      held.keys.delete(key);
      this.#public.leave(entry, client);
      this.#size -= 1;
    }
    for (const key of wanted) {
      if (held.keys.has(key)) continue;
      const topic = topicOf(key);
      held.keys.set(key, this.#public.join(topic, { key, topic }, client));
      this.#size += 1;
    }
    this.#cover(client, held, rights);
    if (held.keys.size === 0) this.#byClient.delete(client);
    else this.#byClient.set(client, held);
  }

  /** Leaves a client its keys and changes what private messages it gets under them. */
  changeRights(client: Client, rights: readonly string[]): void {
    const held = this.#byClient.get(client);
    if (held !== undefined) this.#cover(client, held, rights);
  }

  remove(client: Client): void {
    this.replace(client, []);
  }

  /**
   * Every subscription that a message to these topics reaches, each once, in the order of their marks: so that
   * deliveries can be gone on with where they stopped.
   *
   * @param isPrivate Only those who have a right to it. Default false.
   */
  match(topics: readonly string[], isPrivate = false): readonly Subscription<Client>[] {
    return isPrivate ? mergeByKey(this.#private.find(topics)) : this.#public.find(topics);
  }

  /**
   * What a message to these topics reaches, for a delivery that may take a while.
   *
   * @param isPrivate Only those who have a right to it. Default false.
   */
  audienceOf(topics: readonly string[], isPrivate = false): Audience<Client> {
    const names = new Set(topics.flatMap(matchingTopics));
    const table = isPrivate ? this.#private : this.#public;
    const found = table.topicsOf(names);
    let count = 0;
    for (const { byKey } of found) count += byKey.size;
    return {
      count,
      subscriptions: () => entriesOf(found),
      of: (client) => this.#matchesOf(client, names, isPrivate),
    };
  }

  #matchesOf(
    client: Client,
    names: ReadonlySet<string>,
    isPrivate: boolean,
  ): readonly SubscriptionEntry<Client>[] {
    const held = this.#byClient.get(client);
    if (held === undefined) return [];
    if (!isPrivate) {
      held.sortedKeys ??= [...held.keys.values()].sort(byKeyHash);
      return held.sortedKeys.filter(({ indexedTopic }) => names.has(indexedTopic));
    }
    held.sortedCovered ??= held.covered.toSorted(byKeyHash);
    const found = held.sortedCovered.filter(({ indexedTopic }) => names.has(indexedTopic));
    return found.filter(({ key }, index) => key !== found[index - 1]?.key);
  }

  #cover(client: Client, held: ClientKeys<Client>, patterns: readonly string[]): void {
    for (const entry of held.covered) this.#private.leave(entry, client);
    held.covered = [];
    held.sortedCovered = undefined;
    if (patterns.length === 0) return;
    const rights = compileRights(patterns);
    for (const entry of held.keys.values()) {
      for (const topic of rights.coveredTopics(entry.topic)) {
        held.covered.push(this.#private.join(topic, entry, client));
      }
    }
  }
}

function createClientKeys<Client>(): ClientKeys<Client> {
  return { keys: new Map(), covered: [], sortedKeys: undefined, sortedCovered: undefined };
}

/** One key may have been found under several topics, for clients with different rights or a message with several names. */
function mergeByKey<Client>(
  entries: readonly SubscriptionEntry<Client>[],
): readonly Subscription<Client>[] {
  const isSame = (entry: SubscriptionEntry<Client>, index: number) =>
    entry.key === entries[index - 1]?.key;
  if (!entries.some(isSame)) return entries;
  const byKey = new Map<string, Subscription<Client>>();
  for (const entry of entries) {
    const clients = [...(byKey.get(entry.key)?.clients ?? []), ...entry.clients];
    const { key, topic, keyHash } = entry;
    byKey.set(key, { key, topic, keyHash, clients: new Set(clients) });
  }
  return [...byKey.values()];
}
