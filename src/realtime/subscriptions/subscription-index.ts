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

/** The subscriptions of one client. */
interface ClientKeys<Client> {
  readonly keys: Map<string, SubscriptionEntry<Client>>;
  /** Entries of the private table: one for each topic in which a key overlaps with the client's rights. */
  covered: SubscriptionEntry<Client>[];
  /** `keys` sorted by `byKeyHash`. Computed on first use. */
  sortedKeys: readonly SubscriptionEntry<Client>[] | undefined;
  /** `covered` sorted by `byKeyHash`. Computed on first use. */
  sortedCovered: readonly SubscriptionEntry<Client>[] | undefined;
}

const NO_RIGHTS: readonly string[] = [];

/**
 * The subscriptions that match a message. A live view of the index: it includes later additions and removals. `subscriptions`
 * leaves out topics that had no subscriptions when the audience was determined.
 */
export interface Audience<Client> {
  /** Number of subscriptions when the audience was determined. A key that matches under several topics counts once for each. */
  readonly count: number;
  /** The subscriptions, in no particular order. A key that matches under several topics is included for each topic. */
  subscriptions(): Generator<Subscription<Client>>;
  /** The matching subscriptions of one client, sorted by `byKeyHash`, each key once. */
  of(client: Client): readonly Subscription<Client>[];
}

/**
 * Finds the subscriptions that match a message, and the keys of a client.
 *
 * Finding the audience of a message takes one look-up for each level of its topics, and one for `*`. The number of
 * subscriptions does not matter. Replacing the keys of a client takes time in proportion to its keys, and to the topics in
 * which they overlap with its rights.
 *
 * The index has two tables. The public table has each key under the key's topic. The private table has each key under the
 * topics in which the key overlaps with its client's rights. The private table is updated when keys or rights are set, so a
 * private message needs the same look-ups as a public message, and no check of rights.
 */
export class SubscriptionIndex<Client> {
  readonly #public = new SubscriptionTable<Client>();
  readonly #private = new SubscriptionTable<Client>();
  readonly #byClient = new Map<Client, ClientKeys<Client>>();
  #size = 0;

  /** The number of subscription keys over all clients. */
  get size(): number {
    return this.#size;
  }

  /** The number of distinct topics with subscriptions. */
  get topics(): number {
    return this.#public.size;
  }

  /** The distinct topics, in no particular order, each with its number of subscription keys over all clients. */
  countTopics(): Generator<[topic: string, subscriptions: number]> {
    return this.#public.count();
  }

  /** The keys of a client in the order in which they were added. */
  keysOf(client: Client): string[] {
    return [...(this.#byClient.get(client)?.keys.keys() ?? [])];
  }

  /**
   * Replaces the keys and rights of a client. Empty strings are ignored.
   *
   * @param rights Patterns of the topics with private messages that the client may receive. Default: none.
   * @returns The number of distinct keys.
   */
  replace(client: Client, keys: readonly string[], rights: readonly string[] = NO_RIGHTS): number {
    const wanted = new Set(keys);
    wanted.delete("");
    const clientKeys = this.#byClient.get(client) ?? createClientKeys();
    clientKeys.sortedKeys = undefined;
    for (const [key, entry] of clientKeys.keys) {
      if (wanted.has(key)) continue;
      clientKeys.keys.delete(key);
      this.#public.leave(entry, client);
      this.#size -= 1;
    }
    for (const key of wanted) {
      if (clientKeys.keys.has(key)) continue;
      const topic = topicOf(key);
      clientKeys.keys.set(key, this.#public.join(topic, { key, topic }, client));
      this.#size += 1;
    }
    this.#setCovered(client, clientKeys, rights);
    if (clientKeys.keys.size === 0) this.#byClient.delete(client);
    else this.#byClient.set(client, clientKeys);
    return clientKeys.keys.size;
  }

  /** Replaces the rights of a client, and keeps its keys. */
  changeRights(client: Client, rights: readonly string[]): void {
    const clientKeys = this.#byClient.get(client);
    if (clientKeys !== undefined) this.#setCovered(client, clientKeys, rights);
  }

  /** Removes a client with all its keys. */
  remove(client: Client): void {
    this.replace(client, []);
  }

  /**
   * Returns the subscriptions that match a message to these topics, each key once, sorted by `byKeyHash`. The order of two
   * keys does not depend on other keys, so a replay that was interrupted between two events of one message can continue with the
   * next key.
   *
   * @param isPrivate Whether only clients with a right to the message may receive it. Default false.
   */
  match(topics: readonly string[], isPrivate = false): readonly Subscription<Client>[] {
    return isPrivate ? mergeByKey(this.#private.find(topics)) : this.#public.find(topics);
  }

  /**
   * Returns the same subscriptions as `match`, but as a view. The view is neither copied nor sorted, so it is cheap for any
   * number of subscriptions.
   *
   * @param isPrivate As for `match`.
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
    const clientKeys = this.#byClient.get(client);
    if (clientKeys === undefined) return [];
    if (!isPrivate) {
      clientKeys.sortedKeys ??= [...clientKeys.keys.values()].sort(byKeyHash);
      return clientKeys.sortedKeys.filter(({ indexedTopic }) => names.has(indexedTopic));
    }
    clientKeys.sortedCovered ??= clientKeys.covered.toSorted(byKeyHash);
    const found = clientKeys.sortedCovered.filter(({ indexedTopic }) => names.has(indexedTopic));
    // A key with several entries in the private table may match several times. The repeated keys are adjacent.
    return found.filter(({ key }, index) => key !== found[index - 1]?.key);
  }

  #setCovered(client: Client, clientKeys: ClientKeys<Client>, patterns: readonly string[]): void {
    for (const entry of clientKeys.covered) this.#private.leave(entry, client);
    clientKeys.covered = [];
    clientKeys.sortedCovered = undefined;
    if (patterns.length === 0) return;
    const rights = compileRights(patterns);
    for (const entry of clientKeys.keys.values()) {
      for (const topic of rights.coveredTopics(entry.topic)) {
        clientKeys.covered.push(this.#private.join(topic, entry, client));
      }
    }
  }
}

function createClientKeys<Client>(): ClientKeys<Client> {
  return { keys: new Map(), covered: [], sortedKeys: undefined, sortedCovered: undefined };
}

/**
 * Merges the entries of each key. A key can match under several topics, because its clients have different rights, or
 * because a record has several topics.
 */
function mergeByKey<Client>(
  entries: readonly SubscriptionEntry<Client>[],
): readonly Subscription<Client>[] {
  const isRepeated = (entry: SubscriptionEntry<Client>, index: number) =>
    entry.key === entries[index - 1]?.key;
  if (!entries.some(isRepeated)) return entries;
  const byKey = new Map<string, Subscription<Client>>();
  for (const entry of entries) {
    const clients = [...(byKey.get(entry.key)?.clients ?? []), ...entry.clients];
    const { key, topic, keyHash, maySelect } = entry;
    byKey.set(key, { key, topic, keyHash, maySelect, clients: new Set(clients) });
  }
  return [...byKey.values()];
}
