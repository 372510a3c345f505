import type { ClientInfo } from "../realtime/types.ts";
import { mergeTopics } from "./merge.ts";
import { pageSize, toTopicPage } from "./paging.ts";
import type { ClientPage, PageRequest, TopicPage } from "./registry.ts";

/**
 * Lists the clients of shards or processes one after another. The clients of one shard are sorted by id.
 *
 * @param lists The lists of the shards, from the shard of `after` on. Only the first one gets `after`.
 */
export async function listClientsOf(
  { limit, after }: PageRequest,
  lists: readonly ((page: PageRequest) => Promise<ClientPage>)[],
): Promise<ClientPage> {
  const size = pageSize(limit);
  const clients: ClientInfo[] = [];
  for (const [index, list] of lists.entries()) {
    const page = await list({
      // If the page is full, one further client is requested to find out whether there is a next page.
      limit: Math.max(size - clients.length, 1),
      after: index === 0 ? after : undefined,
    });
    const hasMore = clients.length === size && page.clients.length > 0;
    if (clients.length < size) clients.push(...page.clients);
    if (hasMore || page.next !== undefined) return { clients, next: clients.at(-1)?.clientId };
  }
  return { clients, next: undefined };
}

/**
 * Merges one page of each shard. The first n topics of all shards together are among the first n topics of each shard.
 *
 * @param list Lists the topics of all shards.
 */
export async function listTopicsOf(
  page: PageRequest,
  list: (page: PageRequest) => Promise<readonly TopicPage[]>,
): Promise<TopicPage> {
  const request = { ...page, limit: pageSize(page.limit) };
  const pages = await list(request);
  const anyHasMore = pages.some(({ next }) => next !== undefined);
  const merged = mergeTopics(pages.flatMap(({ topics }) => topics));
  return toTopicPage(request, (limit) => {
    const items = merged.slice(0, limit);
    return { items, hasMore: anyHasMore || items.length < merged.length };
  });
}
