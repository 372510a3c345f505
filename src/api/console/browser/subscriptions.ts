import type { FieldError } from "./api.ts";
import type { Dom } from "./dom.ts";

/** The subscription keys, with the form that adds them and the list that removes them. */
export type Subscriptions = ReturnType<typeof createSubscriptions>;

/**
 * This function is longer than 50 lines, because a part must be self-contained (parts.ts).
 *
 * @param onChange Runs when the user has added or removed a key. `added` is the new key, undefined after a removal.
 */
export function createSubscriptions(dom: Dom, onChange: (added?: string) => void) {
  const { find, create, append, showResult } = dom;
  const keys = new Set<string>();
  const form = find<HTMLFormElement>("#subscribe");
  /** The inputs that have a line for an error below them. */
  const INPUTS = ["topic", "filter", "fields", "options"];
  /** The key that the form sent last; empty after an input has changed. */
  let sentKey = "";

  const inputOf = (name: string): HTMLInputElement => find(`#subscribe [name=${name}]`);

  const showInputError = (name: string, text: string): void => {
    find(`#${name}-error`).textContent = text;
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
    const text = split(key).join(" ");
    const item = create("li", text);
    const remove = create("button", "×");
    remove.setAttribute("aria-label", `Unsubscribe from ${text}`);
    remove.addEventListener("click", () => {
      keys.delete(key);
      showAll();
      onChange();
    });
    append(item, remove);
    return item;
  };

  const showAll = (): void => find("#subscriptions").replaceChildren(...[...keys].map(createItem));

  /**
   * Encodes the options as PocketBase's SDK does.
   *
   * @throws SyntaxError when the other options are not a JSON object.
   */
  const readKey = (): string => {
    const fields = new FormData(form);
    const textOf = (name: string): string => String(fields.get(name));
    const topic = textOf("topic").trim();
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
    if (Object.keys(options).length === 0) return topic;
    const separator = topic.includes("?") ? "&" : "?";
    return `${topic}${separator}options=${encodeURIComponent(JSON.stringify(options))}`;
  };

  for (const name of INPUTS) {
    inputOf(name).addEventListener("input", () => showInputError(name, ""));
  }
  form.addEventListener("input", () => {
    sentKey = "";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const name of INPUTS) showInputError(name, "");
    try {
      sentKey = readKey();
    } catch {
      showInputError("options", 'Write a JSON object, for example {"query":{"leave":true}}.');
      return;
    }
    keys.add(sentKey);
    showAll();
    onChange(sentKey);
  });

  /** Shows why the service has refused a key: beside the input that is wrong, if the form still has the key. */
  const refuse = (key: string, { code, message }: FieldError): void => {
    showAll();
    if (key !== sentKey) {
      showResult(message, true);
      return;
    }
    const named = /^validation_invalid_(filter|fields)$/.exec(code)?.[1] ?? "options";
    // The user may have written the filter into the other options, or the options into the topic.
    const name = [named, "options"].find((input) => inputOf(input).value.trim()) ?? "topic";
    showInputError(name, message);
    const position = / position (\d+)/.exec(message)?.[1];
    const input = inputOf(name);
    if (name === named && position) input.setSelectionRange(Number(position), input.value.length);
  };
  return { keys, split, refuse };
}
