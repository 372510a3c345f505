import type { Page } from "../realtime/manager.ts";
import type { ClientInfo, TopicInfo } from "../realtime/types.ts";
import type { ClientPage, PageRequest, TopicPage } from "./registry.ts";

/** How many items a page of clients or topics has. */
export const LIST_LIMITS: { readonly default: number; readonly max: number } = {
  default: 100,
  max: 1000,
};

/** The size of a page: the requested limit as an integer from 1 to `LIST_LIMITS.max`. NaN counts as no limit. */
export function pageSize(limit: number = LIST_LIMITS.default): number {
  const requested = Number.isNaN(limit) ? LIST_LIMITS.default : Math.trunc(limit);
  return Math.min(Math.max(requested, 1), LIST_LIMITS.max);
}

/** Lists at most `limit` items, in their order, that come after an item. */
type List<T> = (limit: number, after: string | undefined) => Page<T>;

/** Reads a page of clients from a list in the order of client ids. */
export function toClientPage(page: PageRequest = {}, list: List<ClientInfo>): ClientPage {
  const { items, hasMore } = list(pageSize(page.limit), page.after);
  return { clients: items, next: hasMore ? items.at(-1)?.clientId : undefined };
}

/** Reads a page of topics from a list in the order of topic names. */
export function toTopicPage(page: PageRequest = {}, list: List<TopicInfo>): TopicPage {
  const { items, hasMore } = list(pageSize(page.limit), page.after);
  return { topics: items, next: hasMore ? items.at(-1)?.topic : undefined };
}
