import { hashKey } from "../cursor.ts";
import {
  eventNameOf,
  matchingTopics,
  maySelect,
  type SubscriptionKey,
} from "./subscription-key.ts";

/** One subscription key and all clients that have it. Statistics count it once for each of these clients. */
export interface Subscription<Client> extends Omit<SubscriptionKey, "options"> {
  /** `hashKey` of the key as the client sent it, so a client can resume within a message with or without envelopes. */
  readonly keyHash: string;
  /** `maySelect` of the key. */
  readonly maySelect: boolean;
  readonly clients: ReadonlySet<Client>;
}

/** A subscription in a table. */
export class SubscriptionEntry<Client> implements Subscription<Client> {
  /** The entry's topic in the table: the key's topic, or a narrower topic to which the clients have a right. */
  readonly indexedTopic: string;
  readonly key: string;
  readonly topic: string;
  /** Computed here, because every message to the topic needs it. */
  readonly maySelect: boolean;
  readonly clients: Set<Client> = new Set<Client>();
  #keyHash: string | undefined;

  constructor(indexedTopic: string, key: string, topic: string) {
    this.indexedTopic = indexedTopic;
    this.key = key;
    this.topic = topic;
    this.maySelect = maySelect(key);
  }

  /** Computed on first use. Needed for replays, and for messages that match several subscriptions. */
  get keyHash(): string {
    this.#keyHash ??= hashKey(eventNameOf(this.key));
    return this.#keyHash;
  }
}

/**
 * Maximum number of topics without subscribers in the table. V8's `Map` keeps a tombstone for each deleted key until the
 * map is rebuilt, and look-ups go through the tombstones. If a topic were deleted and added a hundred thousand times, each
 * look-up would be slower than the one before.
 */
const MAX_EMPTY_TOPICS = 1024;

/** The subscriptions of one topic. */
export interface Topic<Client> {
  readonly name: string;
  /** Whether the topic is in the table's list of emptied topics. */
  isEmptied: boolean;
  readonly byKey: Map<string, SubscriptionEntry<Client>>;
  /** The entries of `byKey` sorted by `byKeyHash`. Computed on first use. */
  sorted: readonly SubscriptionEntry<Client>[] | undefined;
}

/** Finds the subscriptions of a topic: topic → key → clients. */
export class SubscriptionTable<Client> {
  readonly #byTopic = new Map<string, Topic<Client>>();
  /** Topics that have lost their last subscriber, oldest first. Some may have new subscribers. */
  readonly #emptied: Topic<Client>[] = [];
  #size = 0;

  /** The number of topics with subscribers. */
  get size(): number {
    return this.#size;
  }

  /** The topics with subscribers, in no particular order, each with its number of subscriptions. A key counts once for each client. */
  *count(): Generator<[topic: string, subscriptions: number]> {
    for (const [name, { byKey }] of this.#byTopic) {
      if (byKey.size === 0) continue;
      let count = 0;
      for (const { clients } of byKey.values()) count += clients.size;
      yield [name, count];
    }
  }

  /** Adds a client's key under a topic, which may be narrower than the topic of the key. */
  join(
    indexedTopic: string,
    { key, topic }: Omit<SubscriptionKey, "options">,
    client: Client,
  ): SubscriptionEntry<Client> {
    let found = this.#byTopic.get(indexedTopic);
    if (found === undefined) {
      found = { name: indexedTopic, isEmptied: false, byKey: new Map(), sorted: undefined };
      this.#byTopic.set(indexedTopic, found);
    }
    if (found.byKey.size === 0) this.#size += 1;
    let entry = found.byKey.get(key);
    if (entry === undefined) {
      // The parsed options are not stored, because they may take far more memory than their text.
      entry = new SubscriptionEntry(indexedTopic, key, topic);
      found.byKey.set(key, entry);
      found.sorted = undefined;
    }
    entry.clients.add(client);
    return entry;
  }

  /** Removes a client from an entry that `join` returned. */
  leave(entry: SubscriptionEntry<Client>, client: Client): void {
    entry.clients.delete(client);
    if (entry.clients.size > 0) return;
    const topic = this.#byTopic.get(entry.indexedTopic);
    if (topic === undefined) return;
    topic.byKey.delete(entry.key);
    topic.sorted = undefined;
    if (topic.byKey.size === 0) this.#onEmptied(topic);
  }

  /** Returns the topics that have subscribers, of those with the given names. */
  topicsOf(names: Iterable<string>): Topic<Client>[] {
    const found: Topic<Client>[] = [];
    for (const name of names) {
      const topic = this.#byTopic.get(name);
      if (topic !== undefined && topic.byKey.size > 0) found.push(topic);
    }
    return found;
  }

  /** Returns the subscriptions that match a message to these topics, sorted by `byKeyHash`. */
  find(topics: readonly string[]): readonly SubscriptionEntry<Client>[] {
    const found = this.topicsOf(new Set(topics.flatMap(matchingTopics)));
    const [only] = found;
    if (only === undefined) return [];
    return found.length === 1 ? sortedEntries(only) : found.flatMap(sortedEntries).sort(byKeyHash);
  }

  #onEmptied(topic: Topic<Client>): void {
    this.#size -= 1;
    if (topic.isEmptied) return;
    topic.isEmptied = true;
    this.#emptied.push(topic);
    if (this.#emptied.length <= MAX_EMPTY_TOPICS) return;
    const oldest = this.#emptied.shift();
    if (oldest === undefined) return;
    oldest.isEmptied = false;
    if (oldest.byKey.size === 0) this.#byTopic.delete(oldest.name);
  }
}

/** The entries of several topics, in no particular order. */
export function* entriesOf<Client>(
  topics: readonly Topic<Client>[],
): Generator<SubscriptionEntry<Client>> {
  for (const { byKey } of topics) yield* byKey.values();
}

function sortedEntries<Client>(topic: Topic<Client>): readonly SubscriptionEntry<Client>[] {
  topic.sorted ??= [...topic.byKey.values()].sort(byKeyHash);
  return topic.sorted;
}

type Hashed = Pick<Subscription<unknown>, "key" | "keyHash">;

/** Compares subscriptions by the hashes of their keys. A client receives a message for several keys in this order. */
export function byKeyHash(a: Hashed, b: Hashed): number {
  if (a.keyHash === b.keyHash) return a.key < b.key ? -1 : 1;
  return a.keyHash < b.keyHash ? -1 : 1;
}
