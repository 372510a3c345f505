import type { Dom } from "./dom.ts";

/** The list of events. It can be searched and paused. */
export type EventList = ReturnType<typeof createEventList>;

/** What the list shows of an event. */
export interface ShownEvent {
  /** "service" for an event of the service itself, otherwise "message", "presence", or the action of a record event. */
  readonly kind: string;
  /** The topic of the message, or the name of another event. */
  readonly name: string;
  /** JSON, or another text. */
  readonly data: string;
  readonly cursor: string;
  /** The name of the event in the stream. */
  readonly type: string;
  /** When the message was published, in ISO 8601. */
  readonly at?: string | undefined;
  readonly messageId?: string | undefined;
  /** The subscription that receives the message. */
  readonly key?: string | undefined;
  readonly retry?: number | undefined;
  readonly comment?: string | undefined;
}

/**
 * Creates the list. The function is longer than 50 lines because each function of the console's page must be self-contained
 * (parts.ts).
 *
 * @param onReceived Runs for each event, even while the list is paused.
 */
export function createEventList(
  { find, create, append, indent, count, bindCopy }: Dom,
  onReceived: () => void,
) {
  const MAX_EVENTS = 500;
  /** Characters of the data in a row. The row shows less, and the browser needs not measure more. */
  const PREVIEW = 400;
  /** What the search looks through, in lower case. */
  const texts = new WeakMap<HTMLElement, string>();
  const list = find<HTMLOListElement>("#events");
  const search = find<HTMLInputElement>("#search");
  const showsService = find<HTMLInputElement>("#service-events");
  const pauseButton = find("#pause");
  let received = 0;
  let isPaused = false;
  /** Events that have arrived and are not in the list yet, oldest first. */
  let waiting: (ShownEvent & { readonly receivedAt: Date })[] = [];
  /** The number of events since the list was paused. `waiting` has the newest of them. */
  let fresh = 0;
  let isScheduled = false;

  const items = (): HTMLElement[] => [...list.querySelectorAll<HTMLElement>(":scope > li")];

  const matches = (item: HTMLElement): boolean =>
    (showsService.checked || item.dataset.kind !== "service") &&
    (texts.get(item) ?? "").includes(search.value.trim().toLowerCase());

  const showCounts = (): void => {
    const all = items();
    const hidden = all.filter((item) => item.hidden).length;
    const facts = [count(received, "event")];
    if (hidden > 0) facts.push(`${hidden} hidden`);
    if (received - fresh > all.length) facts.push(`the newest ${all.length} are listed`);
    find("#counts").textContent = facts.join(", ");
    find("#no-events").hidden = all.length > hidden;
    find("#no-events").textContent =
      all.length === 0
        ? "No events yet. Messages to your topics appear here, newest first."
        : "All events are hidden by the search, or because they are service events.";
    pauseButton.textContent = isPaused
      ? `Continue${fresh > 0 ? ` (${fresh.toLocaleString("en")} new)` : ""}`
      : "Pause";
  };

  const showFacts = (details: Element, event: ShownEvent, receivedAt: Date): void => {
    const facts: readonly (readonly [string, string | undefined])[] = [
      ["Topic", event.messageId === undefined ? undefined : event.name],
      ["Subscription", event.key],
      ["Event", event.type],
      ["Event id", event.cursor || "none"],
      ["Message id", event.messageId],
      ["Published", event.at],
      ["Received", receivedAt.toISOString()],
      ["Retry", event.retry === undefined ? undefined : `${event.retry} milliseconds`],
      ["Comment", event.comment],
    ];
    const terms = create("dl", "", "facts");
    for (const [term, value] of facts) {
      if (value !== undefined) append(terms, create("dt", term), create("dd", value));
    }
    const copy = create("button", "Copy the data", "quiet");
    copy.setAttribute("type", "button");
    bindCopy(copy, () => indent(event.data));
    append(details, terms, create("pre", indent(event.data)), copy);
  };

  const createItem = (event: ShownEvent & { readonly receivedAt: Date }): HTMLElement => {
    const [item, details, summary] = [create("li"), create("details"), create("summary")];
    const time = event.at === undefined ? event.receivedAt : new Date(event.at);
    const clock = time.toLocaleTimeString("en-GB");
    append(
      summary,
      create("time", `${clock}.${String(time.getMilliseconds()).padStart(3, "0")}`),
      create("span", event.kind, "kind"),
      create("span", event.name, "name"),
      create("span", event.data.slice(0, PREVIEW), "preview"),
      create("span", event.cursor, "cursor"),
    );
    append(details, summary);
    // The rest is created when the user opens the event, because most events are never opened.
    details.addEventListener("toggle", () => showFacts(details, event, event.receivedAt), {
      once: true,
    });
    append(item, details);
    item.dataset.kind = event.kind;
    const { kind, name, data, cursor, messageId = "", key = "" } = event;
    texts.set(item, [kind, name, data, cursor, messageId, key].join(" ").toLowerCase());
    item.hidden = !matches(item);
    return item;
  };

  const flush = (): void => {
    isScheduled = false;
    if (isPaused) {
      showCounts();
      return;
    }
    // Keeps the scroll position while events are added above it.
    const height = list.scrollTop > 0 ? list.scrollHeight : undefined;
    for (const event of waiting) list.insertBefore(createItem(event), list.firstChild);
    waiting = [];
    fresh = 0;
    while (list.childElementCount > MAX_EVENTS) list.lastElementChild?.remove();
    if (height !== undefined) list.scrollTop += list.scrollHeight - height;
    showCounts();
  };

  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    // A timer, because a hidden tab has no animation frames.
    setTimeout(flush, 16);
  };

  const add = (event: ShownEvent): void => {
    received += 1;
    if (isPaused) fresh += 1;
    waiting.push({ ...event, receivedAt: new Date() });
    if (waiting.length > MAX_EVENTS) waiting.shift();
    onReceived();
    schedule();
  };

  const hideAndShow = (): void => {
    for (const item of items()) item.hidden = !matches(item);
    showCounts();
  };
  search.addEventListener("input", hideAndShow);
  showsService.addEventListener("change", hideAndShow);
  pauseButton.addEventListener("click", () => {
    isPaused = !isPaused;
    flush();
  });
  find("#clear").addEventListener("click", () => {
    received = 0;
    waiting = [];
    fresh = 0;
    list.replaceChildren();
    showCounts();
  });
  showCounts();
  return { add };
}
