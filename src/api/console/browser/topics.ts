import type { API } from "./api.ts";
import type { Dom } from "./dom.ts";
import type { Examples } from "./examples.ts";
import type { Key } from "./key.ts";
import type { Pages } from "./pages.ts";

/** What `bindTopics` needs of the page. */
interface TopicsParts {
  readonly dom: Dom;
  readonly api: API;
  readonly key: Key;
  readonly pages: Pages;
  readonly examples: Examples;
  readonly topic: { open(topic: string): void; refresh(): Promise<void> };
}

/** Binds the list of topics. */
export function bindTopics({ dom, api, key, pages, examples, topic: panel }: TopicsParts): void {
  const { find, create, append, createButton, replace, say, count } = dom;
  const PAGE = 100;
  /** An item of the schema `TopicPage` of the OpenAPI document. */
  interface Topic {
    readonly topic: string;
    readonly subscriptions: number;
    readonly members?: number;
    readonly guests?: number;
  }
  /** The number of topics that the user wants to see. */
  let wanted = PAGE;

  const createItem = ({ topic, subscriptions, members, guests = 0 }: Topic): HTMLElement => {
    const item = create("li");
    const facts = [count(subscriptions, "subscription")];
    if (members !== undefined) facts.push(count(members, "member"), count(guests, "guest"));
    const open = createButton(topic, `Open ${topic}`, () => panel.open(topic));
    open.className = "row-button";
    append(item, open, create("span", facts.join(" · "), "dim"));
    return item;
  };

  const show = (topics: readonly Topic[], hasMore: boolean): void => {
    replace(find("#topics"), topics.map(createItem));
    find("#no-topics").hidden = topics.length > 0;
    find("#more-topics").hidden = !hasMore;
  };

  const load = async (): Promise<void> => {
    if (!key.isAdmin()) {
      say("#topics-note", key.whyNoAdmin());
      show([], false);
      return;
    }
    try {
      const path = `/topics?limit=${Math.min(wanted, 1000)}`;
      const { topics, next } = (await api.request(path)) as {
        topics: readonly Topic[];
        next?: string | null;
      };
      const hasMore = typeof next === "string";
      say("#topics-note", `${count(topics.length, "topic")}${hasMore ? ", and more" : ""}`);
      show(topics, hasMore && wanted < 1000);
    } catch (error) {
      say("#topics-note", api.refusalOf(error).message, true);
    }
  };

  pages.onShow("topics", async () => {
    await load();
    await panel.refresh();
  });
  find("#refresh-topics").addEventListener("click", () => {
    examples.show({ path: `/topics?limit=${PAGE}` });
    void load();
  });
  find("#more-topics").addEventListener("click", () => {
    wanted += PAGE;
    void load();
  });
}
