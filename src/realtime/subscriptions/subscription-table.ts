import { hashKey } from "../cursor.ts";
import type { SubscriptionKey } from "../types.ts";
import { matchingTopics } from "./subscription-key.ts";

/** One subscription key and everybody who has it. */
export interface Subscription<Client> extends Omit<SubscriptionKey, "options"> {
  /** `keyMark` of the key. */
  readonly keyHash: string;
  readonly clients: ReadonlySet<Client>;
}

/** What the order of subscriptions is made of. */
type Hashed = Pick<Subscription<unknown>, "key" | "keyHash">;

export class SubscriptionEntry<Client> implements Subscription<Client> {
  /** Where it stands in its table: the key's topic, or the part of that which its clients have a right to. */
  readonly indexedTopic: string;
  readonly key: string;
  readonly topic: string;
  readonly clients = new Set<Client>();
  #keyHash: string | undefined;

  constructor(at: string, key: string, topic: string) {
    this.indexedTopic = at;
    this.key = key;
    this.topic = topic;
  }

  /** Made when it is asked for: only a message that reaches a client under several keys needs marks. */
  get keyHash(): string {
    this.#keyHash ??= hashKey(this.key);
    return this.#keyHash;
  }
}

/**
 * Topics that nobody has any more and that stay for a while. A `Map` of V8's keeps a mark for each deletion until it is built
 * anew, in a chain that is walked to find the key again: a key that comes and goes a hundred thousand times would take
 * longer and longer to find.
 */
const EMPTY_TOPICS = 1024;

/** The keys of one topic. */
export interface Topic<Client> {
  readonly name: string;
  /** It is among the empty ones that stay for a while, or was when they were looked at last. */
  isEmptied: boolean;
  readonly byKey: Map<string, SubscriptionEntry<Client>>;
  /** The same in the order of their marks; made when it is asked for. */
  sorted: readonly SubscriptionEntry<Client>[] | undefined;
}

/** topic -> key -> clients. */
export class SubscriptionTable<Client> {
  readonly #byTopic = new Map<string, Topic<Client>>();
  /** Topics that lost their last subscriber, the earliest first. A topic in this list may have subscribers again. */
  readonly #emptied: Topic<Client>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  *count(): Generator<[topic: string, subscriptions: number]> {
    for (const [name, { byKey }] of this.#byTopic) {
      if (byKey.size === 0) continue;
      let count = 0;
      for (const { clients } of byKey.values()) count += clients.size;
      yield [name, count];
    }
  }

  join(
    at: string,
    { key, topic }: Omit<SubscriptionKey, "options">,
    client: Client,
  ): SubscriptionEntry<Client> {
    let found = this.#byTopic.get(at);
    if (found === undefined) {
      found = { name: at, isEmptied: false, byKey: new Map(), sorted: undefined };
      this.#byTopic.set(at, found);
    }
    if (found.byKey.size === 0) this.#size += 1;
    let entry = found.byKey.get(key);
    if (entry === undefined) {
      // Without its options, which may take far more memory than their text.
      entry = new SubscriptionEntry(at, key, topic);
      found.byKey.set(key, entry);
      found.sorted = undefined;
    }
    entry.clients.add(client);
    return entry;
  }

  leave(entry: SubscriptionEntry<Client>, client: Client): void {
    entry.clients.delete(client);
    if (entry.clients.size > 0) return;
    const topic = this.#byTopic.get(entry.indexedTopic);
    if (topic === undefined) return;
    topic.byKey.delete(entry.key);
    topic.sorted = undefined;
    if (topic.byKey.size === 0) this.#empty(topic);
  }

  #empty(topic: Topic<Client>): void {
    this.#size -= 1;
    if (topic.isEmptied) return;
    topic.isEmptied = true;
    this.#emptied.push(topic);
    if (this.#emptied.length <= EMPTY_TOPICS) return;
    const oldest = this.#emptied.shift();
    if (oldest === undefined) return;
    oldest.isEmptied = false;
    if (oldest.byKey.size === 0) this.#byTopic.delete(oldest.name);
  }

  /** Those of the given topics that have a subscriber. */
  topicsOf(names: Iterable<string>): Topic<Client>[] {
    const found: Topic<Client>[] = [];
    for (const name of names) {
      const topic = this.#byTopic.get(name);
      if (topic !== undefined && topic.byKey.size > 0) found.push(topic);
    }
    return found;
  }

  find(topics: readonly string[]): readonly SubscriptionEntry<Client>[] {
    const found = this.topicsOf(new Set(topics.flatMap(matchingTopics)));
    const [only] = found;
    if (only === undefined) return [];
    return found.length === 1 ? sorted(only) : found.flatMap(sorted).sort(byKeyHash);
  }
}

export function* entriesOf<Client>(
  topics: readonly Topic<Client>[],
): Generator<SubscriptionEntry<Client>> {
  for (const { byKey } of topics) yield* byKey.values();
}

function sorted<Client>(topic: Topic<Client>): readonly SubscriptionEntry<Client>[] {
  topic.sorted ??= [...topic.byKey.values()].sort(byKeyHash);
  return topic.sorted;
}

/** The order in which a client gets one message under several keys. */
export function byKeyHash(one: Hashed, other: Hashed): number {
  if (one.keyHash === other.keyHash) return one.key < other.key ? -1 : 1;
  return one.keyHash < other.keyHash ? -1 : 1;
}
