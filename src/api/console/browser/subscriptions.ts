import type { FieldError } from "./api.ts";
import type { Dom } from "./dom.ts";
import type { Store } from "./store.ts";

/** The subscription keys, with the form that adds them and the list that removes them. */
export type Subscriptions = ReturnType<typeof createSubscriptions>;

/**
 * This function is longer than 50 lines, because a part must be self-contained (parts.ts).
 *
 * @param onChange Runs when the user has added or removed keys. `isAdded` is false after a removal.
 */
export function createSubscriptions(dom: Dom, store: Store, onChange: (isAdded: boolean) => void) {
  const { find, create, append, createButton, say } = dom;
  const keys = new Set<string>();
  /** The keys that the service has accepted. */
  let accepted: ReadonlySet<string> = new Set();
  const form = find<HTMLFormElement>("#subscribe");
  /** The inputs that have a line for an error below them. */
  const INPUTS = ["topic", "last", "filter", "fields", "options"];
  /** The keys that the form sent last; empty after an input has changed. */
  let sentKeys: readonly string[] = [];

  const inputOf = (name: string): HTMLInputElement => find(`#subscribe [name=${name}]`);

  const showInputError = (name: string, text: string): void => {
    say(`#${name}-error`, text, text !== "");
    const input = inputOf(name);
    input.setAttribute("aria-invalid", String(text !== ""));
    if (text === "") return;
    input.closest("details")?.setAttribute("open", "");
    input.focus();
  };

  /** The topic and, if the key has options, the decoded options. */
  const split = (key: string): readonly [topic: string, options?: string] => {
    const [topic = "", options] = key.split(/[?&]options=/);
    try {
      return options === undefined ? [topic] : [topic, decodeURIComponent(options)];
    } catch {
      // The options have a % that encodes nothing. The service refuses the key.
      return [key];
    }
  };

  const createItem = (key: string): HTMLElement => {
    const [topic, options] = split(key);
    const item = create("li", "", accepted.has(key) ? "" : "pending");
    append(item, create("span", topic));
    if (options !== undefined) append(item, create("code", options));
    const remove = createButton("×", `Unsubscribe from ${split(key).join(" ")}`, () => {
      const others = [...keys];
      const next = others[others.indexOf(key) + 1] ?? others[others.indexOf(key) - 1];
      keys.delete(key);
      showAll();
      onChange(false);
      // Moves the focus to the next item, or to the form.
      const neighbour =
        next === undefined ? undefined : others.filter((one) => one !== key).indexOf(next);
      const buttons = find("#subscriptions").querySelectorAll("button");
      (buttons[neighbour ?? -1] ?? inputOf("topic")).focus();
    });
    append(item, remove);
    return item;
  };

  const showAll = (): void => {
    dom.replace(find("#subscriptions"), [...keys].map(createItem));
    find("#no-subscriptions").hidden = keys.size > 0;
    store.write("subscriptions", [...keys]);
  };

  /** Topics between commas. `\,` is a comma in a topic. Spaces around a topic do not count. */
  const readTopics = (text: string): string[] =>
    text
      .split(/(?<!\\),/)
      .map((topic) => topic.replaceAll("\\,", ",").trim())
      .filter((topic) => topic !== "");

  /**
   * The options of the form, as PocketBase's SDK encodes them.
   *
   * @throws SyntaxError when the other options are not a JSON object.
   */
  const readOptions = (fields: FormData): string => {
    const textOf = (name: string): string => String(fields.get(name));
    const parsed: unknown = JSON.parse(textOf("options").trim() || "{}");
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
      throw new SyntaxError();
    }
    const options: { query?: object; last?: number } = { ...parsed };
    for (const name of ["filter", "fields"]) {
      // Not trimmed, so that the position in an error is a position in the input.
      const text = textOf(name);
      if (text.trim() !== "") options.query = { ...options.query, [name]: text };
    }
    const last = Number(textOf("last"));
    if (last > 0) options.last = last;
    return Object.keys(options).length === 0 ? "" : encodeURIComponent(JSON.stringify(options));
  };

  form.addEventListener("input", ({ target }) => {
    sentKeys = [];
    const { name } = target as HTMLInputElement;
    if (INPUTS.includes(name)) showInputError(name, "");
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const name of INPUTS) showInputError(name, "");
    const fields = new FormData(form);
    const topics = readTopics(String(fields.get("topic")));
    if (topics.length === 0) {
      showInputError("topic", "Enter a topic, for example chat.");
      return;
    }
    try {
      const options = readOptions(fields);
      const keyOf = (topic: string): string =>
        options === "" ? topic : `${topic}${topic.includes("?") ? "&" : "?"}options=${options}`;
      sentKeys = topics.map(keyOf);
    } catch {
      showInputError("options", 'Write a JSON object, for example {"query":{"leave":true}}.');
      return;
    }
    for (const key of sentKeys) keys.add(key);
    showAll();
    onChange(true);
  });

  /** Removes keys that the service has refused, and shows the reason below the wrong input, if the form still has the key. */
  const refuse = (refused: readonly (FieldError & { readonly key: string })[]): void => {
    for (const { key } of refused) keys.delete(key);
    showAll();
    const own = refused.find(({ key }) => sentKeys.includes(key)) ?? refused[0];
    if (own === undefined) return;
    const { key, code, message } = own;
    const named = /^validation_invalid_(filter|fields)$/.exec(code)?.[1] ?? "options";
    // The user may have written the filter into the other options, or the options into the topic.
    const written = [named, "options"].find((input) => inputOf(input).value.trim());
    const isOptional = code.startsWith("validation_invalid_") && sentKeys.includes(key);
    const name = (isOptional && written) || "topic";
    const isAmongSeveral = name === "topic" && keys.size + refused.length > 1;
    const topic = split(key)[0];
    const shownTopic = topic.length > 60 ? `${topic.slice(0, 60)}…` : topic;
    showInputError(name, isAmongSeveral ? `${shownTopic}: ${message}` : message);
    const position = / position (\d+)/.exec(message)?.[1];
    const input = inputOf(name);
    if (name === named && position) input.setSelectionRange(Number(position), input.value.length);
  };

  return {
    keys,
    split,
    refuse,
    accept: (sent: readonly string[]): void => {
      accepted = new Set(sent);
      showAll();
    },
    /** Shows an error that no single key has caused. */
    showError: (text: string): void => showInputError("topic", text),
    /** Restores the keys that the tab had before a reload. Returns whether there are any. */
    restore: (): boolean => {
      const stored = store.read("subscriptions");
      for (const key of Array.isArray(stored) ? stored : []) keys.add(String(key));
      showAll();
      return keys.size > 0;
    },
  };
}
