import { keyMark } from "./cursor.ts";
import { coveredTopics } from "./rights.ts";
import { matchingTopics, parseSubscription } from "./subscription.ts";
import type { SubscriptionKey } from "./types.ts";

/** One subscription key and everybody who has it. */
export interface Subscription<Client> extends Omit<SubscriptionKey, "options"> {
  /** `keyMark` of the key. */
  readonly mark: string;
  readonly clients: ReadonlySet<Client>;
}

interface Entry<Client> extends Subscription<Client> {
  /** Where it stands in its table: the key's topic, or the part of that which its clients have a right to. */
  readonly at: string;
  readonly clients: Set<Client>;
}

/** What one client has. */
interface Held<Client> {
  readonly keys: Map<string, Entry<Client>>;
  /** Of its keys, what its rights cover. */
  covered: Entry<Client>[];
}

const NO_RIGHTS: readonly string[] = [];

/**
 * topic -> key -> clients, and the way back. Finding who gets a message takes as many look-ups as its
 * topics have levels, plus the matches; replacing a client's keys takes as many steps as it has keys, times its rights.
 *
 * Rights are looked at when keys or rights are set. Private messages have a table of their own, where a key stands
 * under the topics that its client has a right to; so delivering one is the same look-up.
 */
export class SubscriptionIndex<Client> {
  readonly #public = new Table<Client>();
  readonly #private = new Table<Client>();
  readonly #byClient = new Map<Client, Held<Client>>();
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
    const held = this.#byClient.get(client) ?? { keys: new Map(), covered: [] };
    for (const [key, entry] of held.keys) {
      if (wanted.has(key)) continue;
      held.keys.delete(key);
      this.#public.leave(entry, client);
      this.#size -= 1;
    }
    for (const key of wanted) {
      if (held.keys.has(key)) continue;
      const parsed = parseSubscription(key);
      held.keys.set(key, this.#public.join(parsed.topic, parsed, client));
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
    return isPrivate ? united(this.#private.find(topics)) : this.#public.find(topics);
  }

  #cover(client: Client, held: Held<Client>, rights: readonly string[]): void {
    for (const entry of held.covered) this.#private.leave(entry, client);
    held.covered = [];
    if (rights.length === 0) return;
    for (const entry of held.keys.values()) {
      for (const topic of coveredTopics(entry.topic, rights)) {
        held.covered.push(this.#private.join(topic, entry, client));
      }
    }
  }
}

/**
 * Topics that nobody has any more and that stay for a while. A `Map` of V8's keeps a mark for each deletion until it is built
 * anew, in a chain that is walked to find the key again: a key that comes and goes a hundred thousand times would take
 * longer and longer to find.
 */
const EMPTY_TOPICS = 1024;

/** The keys of one topic. */
interface Topic<Client> {
  readonly name: string;
  /** It is among the empty ones that stay for a while, or was when they were looked at last. */
  isEmptied: boolean;
  readonly byKey: Map<string, Entry<Client>>;
  /** The same in the order of their marks; made when it is asked for. */
  sorted: readonly Entry<Client>[] | undefined;
}

/** topic -> key -> clients. */
class Table<Client> {
  readonly #byTopic = new Map<string, Topic<Client>>();
  /** From the longest empty on; of some somebody may have become a subscriber again. */
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
  ): Entry<Client> {
    let found = this.#byTopic.get(at);
    if (found === undefined) {
      found = { name: at, isEmptied: false, byKey: new Map(), sorted: undefined };
      this.#byTopic.set(at, found);
    }
    if (found.byKey.size === 0) this.#size += 1;
    let entry = found.byKey.get(key);
    if (entry === undefined) {
      // Without its options, which may take far more memory than their text.
      entry = { at, key, topic, mark: keyMark(key), clients: new Set() };
      found.byKey.set(key, entry);
      found.sorted = undefined;
    }
    entry.clients.add(client);
    return entry;
  }

  leave(entry: Entry<Client>, client: Client): void {
    entry.clients.delete(client);
    if (entry.clients.size > 0) return;
    const topic = this.#byTopic.get(entry.at);
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

  find(topics: readonly string[]): readonly Entry<Client>[] {
    const candidates = new Set(topics.flatMap(matchingTopics));
    let found: readonly Entry<Client>[] = [];
    for (const topic of candidates) {
      const entries = this.#byTopic.get(topic);
      if (entries === undefined || entries.byKey.size === 0) continue;
      found = found.length === 0 ? sorted(entries) : [...found, ...sorted(entries)].sort(byMark);
    }
    return found;
  }
}

/** One key may have been found under several topics, for clients with different rights or a message with several names. */
function united<Client>(entries: readonly Entry<Client>[]): readonly Subscription<Client>[] {
  const isSame = (entry: Entry<Client>, index: number) => entry.key === entries[index - 1]?.key;
  if (!entries.some(isSame)) return entries;
  const byKey = new Map<string, Subscription<Client>>();
  for (const entry of entries) {
    const clients = [...(byKey.get(entry.key)?.clients ?? []), ...entry.clients];
    byKey.set(entry.key, { ...entry, clients: new Set(clients) });
  }
  return [...byKey.values()];
}

function sorted<Client>(topic: Topic<Client>): readonly Entry<Client>[] {
  topic.sorted ??= [...topic.byKey.values()].sort(byMark);
  return topic.sorted;
}

function byMark(one: Entry<unknown>, other: Entry<unknown>): number {
  if (one.mark === other.mark) return one.key < other.key ? -1 : 1;
  return one.mark < other.mark ? -1 : 1;
}
