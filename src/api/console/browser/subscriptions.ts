import type { Dom } from "./dom.ts";

/** The subscription keys, with the form that adds them and the list that removes them. */
export type Subscriptions = ReturnType<typeof createSubscriptions>;

/**
 * One function longer than 50 lines: a part must be self-contained (parts.ts).
 *
 * @param onChange Runs when a key was added or removed. `added` is the new key.
 */
export function createSubscriptions(dom: Dom, onChange: (added?: string) => void) {
  const { find, create, append, showResult } = dom;
  const keys = new Set<string>();

  /** The topic and the decoded options. */
  const readable = (key: string): string => {
    const [topic = "", options] = key.split("?options=");
    if (options === undefined) return key;
    try {
      return `${topic} ${decodeURIComponent(options)}`;
    } catch {
      // The topic itself contains "?options=", and a % that encodes nothing.
      return key;
    }
  };

  const createItem = (key: string): HTMLElement => {
    const item = create("li", readable(key));
    const remove = create("button", "×");
    remove.setAttribute("aria-label", `Unsubscribe from ${key}`);
    remove.addEventListener("click", () => {
      keys.delete(key);
      showAll();
      onChange();
    });
    append(item, remove);
    return item;
  };

  const showAll = (): void => find("#subscriptions").replaceChildren(...[...keys].map(createItem));

  /** @throws SyntaxError when the options are not a JSON object. */
  const readKey = (form: FormData): string => {
    const topic = String(form.get("topic")).trim();
    const [last, text] = [String(form.get("last")), String(form.get("options")).trim()];
    const parsed: unknown = text === "" ? {} : JSON.parse(text);
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
      throw new SyntaxError();
    }
    const options = last === "" || last === "0" ? parsed : { ...parsed, last: Number(last) };
    if (Object.keys(options).length === 0) return topic;
    return `${topic}?options=${encodeURIComponent(JSON.stringify(options))}`;
  };

  const form = find<HTMLFormElement>("#subscribe");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    let key: string;
    try {
      key = readKey(new FormData(form));
    } catch {
      showResult('Options must be a JSON object, for example {"query":{"expand":"author"}}.', true);
      return;
    }
    keys.add(key);
    showAll();
    onChange(key);
  });
  return { keys };
}
