import type { Page } from "../realtime/manager.ts";
import type { ClientInfo, TopicInfo } from "../realtime/types.ts";
import type { ClientPage, PageRequest, TopicPage } from "./registry.ts";

/** Entries of a page, when its request does not say, and at the most. */
export const LIST_LIMITS: { readonly default: number; readonly max: number } = {
  default: 100,
  max: 1000,
};

/** How many a page has room for. */
export function pageSize(limit: number = LIST_LIMITS.default): number {
  const asked = Number.isNaN(limit) ? LIST_LIMITS.default : Math.trunc(limit);
  return Math.min(Math.max(asked, 1), LIST_LIMITS.max);
}

type List<T> = (limit: number, after: string | undefined) => Page<T>;

/** A page of a list that is asked for by a limit and the client id it goes on after. */
export function toClientPage(page: PageRequest = {}, list: List<ClientInfo>): ClientPage {
  const { items, isMore } = list(pageSize(page.limit), page.after);
  return { clients: items, next: isMore ? items.at(-1)?.clientId : undefined };
}

/** The same of topics. */
export function toTopicPage(page: PageRequest = {}, list: List<TopicInfo>): TopicPage {
  const { items, isMore } = list(pageSize(page.limit), page.after);
  return { topics: items, next: isMore ? items.at(-1)?.topic : undefined };
}
