import type { SubscriptionIndex } from "../subscriptions/subscription-index.ts";
import type { ClientInfo, TopicInfo } from "../types.ts";
import type { Client } from "./client.ts";
import type { ClientStore } from "./client-store.ts";

/** Maximum number of characters of subscription keys in one page of clients. The first client is listed whatever its size. */
const MAX_PAGE_KEY_CHARACTERS = 1024 * 1024;

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Whether there are items after this page. */
  readonly hasMore: boolean;
}

/** `RealtimeManager.listClients`. */
export function listClients(clients: ClientStore, limit: number, after: string): Page<ClientInfo> {
  const ids = clients
    .ids()
    .filter((clientId) => clientId > after)
    .toSorted();
  const items: ClientInfo[] = [];
  let characters = 0;
  for (const clientId of ids.slice(0, limit)) {
    const client = clients.describe(clientId);
    if (client === undefined) continue;
    for (const key of client.subscriptions) characters += key.length;
    if (characters > MAX_PAGE_KEY_CHARACTERS && items.length > 0) break;
    items.push(client);
  }
  return { items, hasMore: items.length < ids.length };
}

/** `RealtimeManager.listTopics`. */
export function listTopics(
  index: SubscriptionIndex<Client>,
  limit: number,
  after: string,
): Page<TopicInfo> {
  const counts = [...index.countTopics()].filter(([topic]) => topic > after);
  const topics = toTopicInfos(counts);
  return { items: topics.slice(0, limit), hasMore: topics.length > limit };
}

/** Converts pairs of a topic and its number of subscriptions. The result is sorted by topic name. */
export function toTopicInfos(counts: Iterable<readonly [string, number]>): TopicInfo[] {
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([topic, subscriptions]) => ({ topic, subscriptions }));
}
