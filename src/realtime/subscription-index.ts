import { keyMark } from "./cursor.ts";
import { matchingTopics, parseSubscription } from "./subscription.ts";
import type { SubscriptionKey } from "./types.ts";

/** One subscription key and everybody who has it. */
export interface Subscription<Client> extends SubscriptionKey {
  /** `keyMark` of the key. */
  readonly mark: string;
  readonly clients: ReadonlySet<Client>;
}

interface Entry<Client> extends Subscription<Client> {
  readonly clients: Set<Client>;
}

/** The keys of one topic. */
interface Topic<Client> {
  readonly byKey: Map<string, Entry<Client>>;
  /** The same in the order of their marks; made when it is asked for. */
  sorted: readonly Entry<Client>[] | undefined;
}

/**
 * topic -> key -> clients, and the way back. Finding who gets a message takes as many look-ups as its
 * topics have levels, plus the matches; replacing a client's keys takes as many steps as it has keys.
 */
export class SubscriptionIndex<Client> {
  readonly #byTopic = new Map<string, Topic<Client>>();
  readonly #byClient = new Map<Client, Map<string, Entry<Client>>>();
  #size = 0;

  /** Keys over all clients. */
  get size(): number {
    return this.#size;
  }

  /** Distinct topics. */
  get topics(): number {
    return this.#byTopic.size;
  }

  keysOf(client: Client): string[] {
    return [...(this.#byClient.get(client)?.keys() ?? [])];
  }

  /** Gives `client` these keys and no others. Keys that stay keep their place, so nothing is missed. */
  replace(client: Client, keys: readonly string[]): void {
    const wanted = new Set(keys);
    wanted.delete("");
    const held = this.#byClient.get(client) ?? new Map<string, Entry<Client>>();
    for (const [key, entry] of held) {
      if (wanted.has(key)) continue;
      held.delete(key);
      this.#leave(entry, client);
    }
    for (const key of wanted) {
      if (!held.has(key)) held.set(key, this.#join(key, client));
    }
    if (held.size === 0) this.#byClient.delete(client);
    else this.#byClient.set(client, held);
  }

  remove(client: Client): void {
    this.replace(client, []);
  }

  /**
   * Every subscription that a message to these topics reaches, each once, in the order of their marks: so that
   * deliveries can be gone on with where they stopped.
   */
  match(topics: readonly string[]): readonly Subscription<Client>[] {
    const candidates = new Set(topics.flatMap(matchingTopics));
    let found: readonly Entry<Client>[] = [];
    for (const topic of candidates) {
      const entries = this.#byTopic.get(topic);
      if (entries === undefined) continue;
      found = found.length === 0 ? sorted(entries) : [...found, ...sorted(entries)].sort(byMark);
    }
    return found;
  }

  #join(key: string, client: Client): Entry<Client> {
    const parsed = parseSubscription(key);
    let topic = this.#byTopic.get(parsed.topic);
    if (topic === undefined) {
      topic = { byKey: new Map(), sorted: undefined };
      this.#byTopic.set(parsed.topic, topic);
    }
    let entry = topic.byKey.get(key);
    if (entry === undefined) {
      entry = { ...parsed, mark: keyMark(key), clients: new Set() };
      topic.byKey.set(key, entry);
      topic.sorted = undefined;
    }
    entry.clients.add(client);
    this.#size += 1;
    return entry;
  }

  #leave(entry: Entry<Client>, client: Client): void {
    entry.clients.delete(client);
    this.#size -= 1;
    if (entry.clients.size > 0) return;
    const topic = this.#byTopic.get(entry.topic);
    if (topic === undefined) return;
    topic.byKey.delete(entry.key);
    topic.sorted = undefined;
    if (topic.byKey.size === 0) this.#byTopic.delete(entry.topic);
  }
}

function sorted<Client>(topic: Topic<Client>): readonly Entry<Client>[] {
  topic.sorted ??= [...topic.byKey.values()].sort(byMark);
  return topic.sorted;
}

function byMark(one: Entry<unknown>, other: Entry<unknown>): number {
  if (one.mark === other.mark) return one.key < other.key ? -1 : 1;
  return one.mark < other.mark ? -1 : 1;
}
