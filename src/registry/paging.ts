import type { Page } from "../realtime/manager.ts";
import type { ClientInfo, TopicInfo } from "../realtime/types.ts";
import type { ClientPage, PageRequest, TopicPage } from "./registry.ts";

/** The default and the maximum of the number of items in a page of clients or topics. */
export const LIST_LIMITS: { readonly default: number; readonly max: number } = {
  default: 100,
  max: 1000,
};

/** Returns the size of a page: the requested limit as an integer from 1 to `LIST_LIMITS.max`, or the default for NaN. */
export function pageSize(limit: number = LIST_LIMITS.default): number {
  const requested = Number.isNaN(limit) ? LIST_LIMITS.default : Math.trunc(limit);
  return Math.min(Math.max(requested, 1), LIST_LIMITS.max);
}

/** Lists the items after an item, in their order, up to `limit` items. */
type List<T> = (limit: number, after: string | undefined) => Page<T>;

/** Reads a page of clients from a list that is sorted by client id. */
export function toClientPage(page: PageRequest = {}, list: List<ClientInfo>): ClientPage {
  const { items, hasMore } = list(pageSize(page.limit), page.after);
  return { clients: items, next: hasMore ? items.at(-1)?.clientId : undefined };
}

/** Reads a page of topics from a list that is sorted by topic name. */
export function toTopicPage(page: PageRequest = {}, list: List<TopicInfo>): TopicPage {
  const { items, hasMore } = list(pageSize(page.limit), page.after);
  return { topics: items, next: hasMore ? items.at(-1)?.topic : undefined };
}
