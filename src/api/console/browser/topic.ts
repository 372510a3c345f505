import type { API } from "./api.ts";
import type { Dom } from "./dom.ts";
import type { Examples } from "./examples.ts";
import type { Key } from "./key.ts";

/**
 * Binds the panel of one topic: its history, its members and its rule.
 * One function longer than 50 lines: a part must be self-contained (parts.ts).
 *
 * @returns A function that opens a topic, and one that loads the members and the rule again.
 */
export function bindTopic(dom: Dom, api: API, key: Key, examples: Examples) {
  const { find, create, append, createTime, replace, say, count, indent } = dom;
  const PAGE = 20;
  /** An item of the schema `History` of the OpenAPI document. */
  interface Message {
    readonly topics: readonly string[];
    readonly id: string;
    readonly at: string;
    readonly data: unknown;
    readonly cursor: string;
  }
  interface HistoryPage {
    readonly messages: readonly Message[];
    readonly cursor: string;
    /** Whether there are older messages, in a page without `after`. */
    readonly more: boolean;
  }
  /** The schema `Presence` of the OpenAPI document. */
  interface Presence {
    readonly members?: readonly { id: string; info: object; since: number }[];
    readonly count: number;
    readonly guests: number;
  }
  interface RulesOfTopic {
    readonly rules: readonly { readonly presence?: boolean }[];
    /** Index of the rule that applies. */
    readonly rule: number | null;
  }
  const history = find("#history");
  const older = find<HTMLButtonElement>("#older");
  /** The topic that is shown. */
  let shown = "";
  /** The cursor of the oldest message that is shown. */
  let oldest = "";
  /** The cursor after the newest message that is shown. */
  let newest = "";

  const createMessage = ({ id, at, data, cursor }: Message): HTMLElement => {
    const [item, details, summary] = [create("li"), create("details"), create("summary")];
    const text = JSON.stringify(data);
    append(summary, createTime(Date.parse(at)), create("span", text, "preview"));
    const facts = create("dl", "", "facts");
    append(facts, create("dt", "Published"), create("dd", at), create("dt", "Message id"));
    append(facts, create("dd", id), create("dt", "Cursor"), create("dd", cursor));
    append(details, summary, facts, create("pre", indent(text)));
    append(item, details);
    return item;
  };

  const showLength = (): void => {
    const all = count(history.childElementCount, "message");
    const end = older.hidden ? ". The history has no older messages." : "";
    const none = "The history has no messages of this topic. New ones appear here.";
    say("#history-note", history.childElementCount === 0 ? none : `${all}, newest first${end}`);
  };

  /** Loads the newest messages, or those before the oldest message that is shown. */
  const loadHistory = async (): Promise<void> => {
    const topic = shown;
    const isFirst = oldest === "";
    const query = new URLSearchParams({ topic, limit: String(PAGE) });
    if (oldest !== "") query.set("before", oldest);
    const path = `/messages?${query}`;
    examples.show({ path, sdk: examples.subscribe(topic, `, { last: ${PAGE} }`) });
    older.disabled = true;
    try {
      const page = (await api.request(path)) as HistoryPage;
      if (topic !== shown) return;
      // The page is in the order of the log, and the list begins with the newest message.
      append(history, ...page.messages.toReversed().map(createMessage));
      oldest = page.messages[0]?.cursor ?? oldest;
      if (isFirst) newest = page.cursor;
      older.hidden = !page.more;
      showLength();
      older.disabled = false;
    } catch (error) {
      if (topic === shown) say("#history-note", api.refusalOf(error).message, true);
      older.hidden = false;
      older.disabled = false;
    }
  };

  /** Adds the messages that have been published since the last load. */
  const loadNewer = async (): Promise<void> => {
    const topic = shown;
    if (newest === "") return;
    const query = new URLSearchParams({ topic, after: newest, limit: String(PAGE) });
    try {
      const page = (await api.request(`/messages?${query}`)) as HistoryPage;
      if (topic !== shown) return;
      for (const message of page.messages) {
        history.insertBefore(createMessage(message), history.firstChild);
      }
      newest = page.cursor;
      if (page.messages.length > 0) showLength();
    } catch (error) {
      // 410: the history has lost the place, for example because the service has started again.
      if (topic === shown && api.refusalOf(error).status === 410) load();
    }
  };

  /** Shows the rule that applies. Returns whether the topic has presence. */
  const showRule = async (topic: string): Promise<boolean> => {
    if (!key.isAdmin()) {
      say("#topic-rule", "Enter the admin key above to see the topic rule and the members.");
      return false;
    }
    if (/(^|\/)\*$/.test(topic)) {
      say(
        "#topic-rule",
        "This is a pattern. The history below has the messages of all topics that match it.",
      );
      return false;
    }
    try {
      const found = await api.request(`/topics/rules?topic=${encodeURIComponent(topic)}`);
      // The response has the schema `TopicRules` of the OpenAPI document.
      const { rules, rule } = found as RulesOfTopic;
      if (topic !== shown) return false;
      const applied = rules[rule ?? -1];
      const none = "No topic rule applies.";
      say("#topic-rule", applied ? `Topic rule ${rule}: ${JSON.stringify(applied)}` : none);
      return applied?.presence === true;
    } catch (error) {
      if (topic === shown) say("#topic-rule", api.refusalOf(error).message, true);
      return false;
    }
  };

  const createMember = ({ id, info, since }: { id: string; info: object; since: number }) => {
    const item = create("li");
    const line = create("p");
    append(line, create("strong", id), create("span", " since ", "dim"), createTime(since));
    append(item, line, create("code", JSON.stringify(info)));
    return item;
  };

  const loadMembers = async (): Promise<void> => {
    const topic = shown;
    try {
      const path = `/presence?topic=${encodeURIComponent(topic)}`;
      const { members, count: total, guests } = (await api.request(path)) as Presence;
      // The user may have opened another topic in the meantime.
      if (topic !== shown) return;
      const unlisted = members === undefined ? ", too many to list" : "";
      const hint = total === 0 ? ". Members appear here when signed-in users subscribe." : "";
      say(
        "#members-note",
        `${count(total, "member")}, ${count(guests, "guest")}${unlisted}${hint}`,
      );
      replace(find("#members"), (members ?? []).map(createMember));
    } catch (error) {
      if (topic === shown) say("#members-note", api.refusalOf(error).message, true);
    }
  };

  const refresh = async (): Promise<void> => {
    const topic = shown;
    if (topic === "") return;
    await loadNewer();
    const hasPresence = await showRule(topic);
    if (topic !== shown) return;
    find("#members-panel").hidden = !hasPresence;
    if (hasPresence) await loadMembers();
  };

  /** Loads the history from its newest message. */
  const load = (): void => {
    oldest = "";
    newest = "";
    history.replaceChildren();
    say("#history-note", "Loading…");
    void loadHistory();
  };

  const open = (topic: string): void => {
    shown = topic;
    find<HTMLInputElement>("#open-topic [name=topic]").value = topic;
    find("#h-topic").textContent = topic;
    find("#no-topic").hidden = true;
    find("#topic-panel").hidden = false;
    find("#members-panel").hidden = true;
    say("#topic-rule", "");
    load();
    void refresh();
  };

  find("#open-topic").addEventListener("submit", (event) => {
    event.preventDefault();
    open(find<HTMLInputElement>("#open-topic [name=topic]").value.trim());
  });
  older.addEventListener("click", () => {
    const first = history.childElementCount;
    void loadHistory().then(() => {
      // The first of the messages that were added. The button may have disappeared.
      history.children[first]?.querySelector("summary")?.focus();
    });
  });
  return {
    /** Opens a topic that the list names, and moves the focus to its heading. */
    open: (topic: string): void => {
      open(topic);
      find("#h-topic").focus();
    },
    refresh,
  };
}
