import type { Dom } from "./dom.ts";

/** The list of events, and of messages that were read from the history. It can be filtered and paused. */
export type EventList = ReturnType<typeof createEventList>;

/** What the list shows of an event. */
export interface ShownEvent {
  /** The topic of the message, or the name of another event. */
  readonly name: string;
  /** JSON. */
  readonly data: string;
  readonly cursor: string;
  /** When the message was published, in ISO 8601. Default: the event is shown with the current time. */
  readonly at?: string | undefined;
  /** Further facts. The list shows them when the user opens the event. */
  readonly facts?: readonly string[];
}

/**
 * Creates the list. The function is longer than 50 lines because each function of the console's page must be self-contained
 * (parts.ts).
 *
 * @param onReceived Runs for each event and for each message that was read from the history, even while the list is paused.
 */
export function createEventList({ find, create, append }: Dom, onReceived: () => void) {
  const MAX_EVENTS = 500;
  const list = find<HTMLOListElement>("#events");
  const filter = find<HTMLInputElement>("#filter");
  let received = 0;
  let isPaused = false;

  const items = (): HTMLElement[] => [...list.querySelectorAll<HTMLElement>(":scope > li")];

  const matches = (item: Element): boolean =>
    (item.textContent ?? "").toLowerCase().includes(filter.value.toLowerCase());

  const showCounts = (): void => {
    const hidden = items().filter((item) => item.hidden).length;
    const shown = `${received} event${received === 1 ? "" : "s"}`;
    find("#counts").textContent =
      shown + (hidden > 0 ? `, ${hidden} filtered out` : "") + (isPaused ? ", paused" : "");
  };

  const indent = (data: string): string => {
    try {
      return JSON.stringify(JSON.parse(data), null, 2);
    } catch {
      return data;
    }
  };

  const createItem = ({ name, data, cursor, at, facts = [] }: ShownEvent): HTMLElement => {
    const [item, details, summary] = [create("li"), create("details"), create("summary")];
    const time = at === undefined ? new Date() : new Date(at);
    append(
      summary,
      create("time", time.toLocaleTimeString()),
      create("span", name, "name"),
      create("span", data, "short"),
      create("span", cursor, "cursor"),
    );
    const line = create("p", facts.join(" · "));
    line.style.overflowWrap = "anywhere";
    append(details, summary, line, create("pre", indent(data)));
    append(item, details);
    item.hidden = !matches(item);
    return item;
  };

  const add = (event: ShownEvent): void => {
    received += 1;
    onReceived();
    if (!isPaused) {
      list.insertBefore(createItem(event), list.firstChild);
      while (list.childElementCount > MAX_EVENTS) list.lastElementChild?.remove();
    }
    showCounts();
  };

  filter.addEventListener("input", () => {
    for (const item of items()) item.hidden = !matches(item);
    showCounts();
  });
  find("#pause").addEventListener("click", () => {
    isPaused = !isPaused;
    find("#pause").setAttribute("aria-pressed", String(isPaused));
    find("#pause").textContent = isPaused ? "Continue" : "Pause";
    showCounts();
  });
  find("#clear").addEventListener("click", () => {
    received = 0;
    list.replaceChildren();
    showCounts();
  });
  return { add };
}
