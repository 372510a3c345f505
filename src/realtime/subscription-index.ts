import { matchingTopics, parseSubscription } from "./subscription.ts";
import type { SubscriptionKey } from "./types.ts";

/** One subscription key and everybody who has it. */
export interface Subscription<Client> extends SubscriptionKey {
  readonly clients: ReadonlySet<Client>;
}

interface Entry<Client> extends Subscription<Client> {
  readonly clients: Set<Client>;
}

/**
 * topic -> key -> clients, and the way back. Finding who gets a message takes as many look-ups as its
 * topics have levels, plus the matches; replacing a client's keys takes as many steps as it has keys.
 */
export class SubscriptionIndex<Client> {
  readonly #byTopic = new Map<string, Map<string, Entry<Client>>>();
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

  /** Every subscription that a message to these topics reaches, each once. */
  match(topics: readonly string[]): Subscription<Client>[] {
    const candidates = new Set(topics.flatMap(matchingTopics));
    const found: Subscription<Client>[] = [];
    for (const topic of candidates) {
      for (const entry of this.#byTopic.get(topic)?.values() ?? []) found.push(entry);
    }
    return found;
  }

  #join(key: string, client: Client): Entry<Client> {
    const parsed = parseSubscription(key);
    let entries = this.#byTopic.get(parsed.topic);
    if (entries === undefined) {
      entries = new Map();
      this.#byTopic.set(parsed.topic, entries);
    }
    let entry = entries.get(key);
    if (entry === undefined) {
      entry = { ...parsed, clients: new Set() };
      entries.set(key, entry);
    }
    entry.clients.add(client);
    this.#size += 1;
    return entry;
  }

  #leave(entry: Entry<Client>, client: Client): void {
    entry.clients.delete(client);
    this.#size -= 1;
    if (entry.clients.size > 0) return;
    const entries = this.#byTopic.get(entry.topic);
    entries?.delete(entry.key);
    if (entries?.size === 0) this.#byTopic.delete(entry.topic);
  }
}
