import type { API } from "./api.ts";
import type { Dom } from "./dom.ts";
import type { Examples } from "./examples.ts";

/** Binds the list of topics, and the members of one topic. One function longer than 50 lines: a part must be self-contained (parts.ts). */
export function bindTopics({ find, create, append }: Dom, api: API, examples: Examples): void {
  const note = find("#topics-note");
  const panel = find("#members-panel");
  const title = find("#members-title");
  const membersNote = find("#members-note");
  /** The topic of which the members are shown. */
  let shown = "";

  /** An item of the schema `TopicPage` of the OpenAPI document. */
  interface Topic {
    readonly topic: string;
    readonly subscriptions: number;
    readonly members?: number;
    readonly guests?: number;
  }

  /** The schema `Presence` of the OpenAPI document. */
  interface Presence {
    readonly members?: readonly { id: string; info: object; since: number }[];
    readonly count: number;
    readonly guests: number;
  }

  const count = (number: number, noun: string): string =>
    `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;

  const createMember = ({ id, info, since }: { id: string; info: object; since: number }) => {
    const item = create("li");
    const time = create("time", new Date(since).toLocaleString());
    time.setAttribute("datetime", new Date(since).toISOString());
    const line = create("p", "", "row");
    append(line, create("strong", id), create("span", "since"), time);
    append(item, line, create("code", JSON.stringify(info)));
    return item;
  };

  const loadMembers = async (): Promise<void> => {
    const topic = shown;
    const path = `/presence?topic=${encodeURIComponent(topic)}`;
    examples.show({ path, sdk: examples.subscribe(`$presence/${topic}`), needsKey: true });
    try {
      const { members, count: total, guests } = (await api.request(path)) as Presence;
      // The user may have opened another topic in the meantime.
      if (topic !== shown) return;
      const unlisted = members === undefined ? ", too many to list" : "";
      membersNote.textContent = `${count(total, "member")}, ${count(guests, "guest")}${unlisted}`;
      find("#members").replaceChildren(...(members ?? []).map(createMember));
    } catch (error) {
      if (topic === shown) membersNote.textContent = String(error);
    }
  };

  const showMembers = (topic: string): void => {
    shown = topic;
    title.textContent = `Members of ${topic}`;
    membersNote.textContent = "";
    find("#members").replaceChildren();
    panel.hidden = false;
    title.focus();
    void loadMembers();
  };

  const createItem = ({ topic, subscriptions, members, guests = 0 }: Topic): HTMLElement => {
    const item = create("li");
    const facts = [count(subscriptions, "subscription")];
    if (members !== undefined) facts.push(count(members, "member"), count(guests, "guest"));
    append(item, create("p", topic), create("p", facts.join(" · ")));
    if (members !== undefined) {
      const open = create("button", "Members");
      open.setAttribute("aria-label", `Members of ${topic}`);
      open.addEventListener("click", () => showMembers(topic));
      append(item, open);
    }
    return item;
  };

  const load = async (): Promise<void> => {
    const path = "/topics?limit=50";
    examples.show({ path, needsKey: true });
    try {
      const { topics, next } = (await api.request(path)) as {
        topics: readonly Topic[];
        next?: string | null;
      };
      const more = next === undefined || next === null ? "" : ", and more";
      note.textContent = `${count(topics.length, "topic")}${more}`;
      find("#topics").replaceChildren(...topics.map(createItem));
    } catch (error) {
      note.textContent = String(error);
    }
  };

  find("#load-topics").addEventListener("click", () => void load());
  find("#refresh-members").addEventListener("click", () => void loadMembers());
  find("#close-members").addEventListener("click", () => {
    shown = "";
    panel.hidden = true;
    find("#load-topics").focus();
  });
}
