import type { API } from "./api.ts";
import type { Dom } from "./dom.ts";
import type { Store } from "./store.ts";

/** The key in the header, and the identity that the service derives from it. */
export type Key = ReturnType<typeof createKey>;

/** "unknown": the service has not checked the key yet. */
export type IdentityKind = "guest" | "admin" | "user" | "refused" | "unknown";

/** One function longer than 50 lines: a part must be self-contained (parts.ts). */
export function createKey({ find, say }: Dom, api: API, store: Store) {
  /** Milliseconds until the key is checked again while the service does not answer. */
  const RETRY_DELAY = 3000;
  /** The longest delay of a timer in browsers. */
  const MAX_DELAY = 2 ** 31 - 1;
  const field = find<HTMLInputElement>("#key");
  const listeners: (() => void)[] = [];
  let kind: IdentityKind = "guest";
  let checked = "";
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** The claims of a JSON Web Token. Undefined for another key. */
  const readClaims = (key: string): { sub?: unknown; exp?: unknown } | undefined => {
    try {
      const payload = (key.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
      const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      return undefined;
    }
  };

  const show = (next: IdentityKind, text: string): void => {
    kind = next;
    say("#identity", text, next === "refused");
    find("#identity").title = text;
    find("#identity").dataset.kind = next;
    field.setAttribute("aria-invalid", String(next === "refused"));
  };

  const settle = (next: IdentityKind, text: string): void => {
    show(next, text);
    for (const listener of listeners) listener();
  };

  const expire = (): void => settle("refused", "The token has expired. Enter a new one.");

  const showUser = (key: string): void => {
    const { sub, exp } = readClaims(key) ?? {};
    const name = typeof sub === "string" ? `User ${sub}` : "Signed in as a user";
    if (typeof exp !== "number") {
      settle("user", name);
      return;
    }
    const end = new Date(exp * 1000);
    const isToday = end.toDateString() === new Date().toDateString();
    const shown = isToday ? end.toLocaleTimeString("en-GB") : end.toLocaleDateString();
    settle("user", `${name}, until ${shown}`);
    const remaining = end.getTime() - Date.now();
    if (remaining < MAX_DELAY) timer = setTimeout(expire, remaining);
  };

  /** Finds out what the key allows. Only the admin key may read the statistics. */
  const check = async (key: string): Promise<void> => {
    show("unknown", "Checking the key…");
    try {
      await api.request("/stats");
      if (key === checked) settle("admin", "Admin: may do everything");
    } catch (error) {
      if (key !== checked) return;
      const { status, message } = api.refusalOf(error);
      if (status === 403 && readClaims(key) !== undefined) showUser(key);
      else if (message.includes("the server has none")) {
        settle("refused", "The service has no admin key (REALTIME_ADMIN_KEY).");
      } else if (status === 403) settle("user", "A key without admin rights");
      else if (status === 401) {
        show("refused", "The service does not accept this key.");
        find("#identity").title = message;
        for (const listener of listeners) listener();
      } else {
        show("unknown", message);
        timer = setTimeout(() => void check(key), RETRY_DELAY);
      }
    }
  };

  /** Makes a text the key of all further requests. */
  const use = (text: string): void => {
    const key = text.trim();
    if (key === checked) return;
    clearTimeout(timer);
    checked = key;
    field.value = key;
    store.write("key", key);
    api.setKey(key);
    if (key === "") settle("guest", "Guest");
    else void check(key);
  };

  field.addEventListener("change", () => use(field.value));
  find("#key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    use(field.value);
  });

  return {
    use,
    /** Restores the key that the tab had before a reload. */
    restore: (): void => {
      const key = store.read("key");
      if (typeof key === "string") use(key);
    },
    kind: (): IdentityKind => kind,
    value: (): string => checked,
    /** Whether the service accepts requests that need the admin key. */
    isAdmin: (): boolean => kind === "admin",
    /** The text that a list shows without the admin key. */
    whyNoAdmin: (): string => {
      if (kind === "unknown") return find("#identity").textContent ?? "";
      if (kind === "user") return "This list needs the admin key. Enter the admin key above.";
      return kind === "refused"
        ? "The service does not accept the key above. Enter the admin key."
        : "Enter the admin key above to see this list.";
    },
    onChange: (listener: () => void): void => {
      listeners.push(listener);
    },
    expire,
  };
}
