import type { API } from "./api.ts";
import type { Dom } from "./dom.ts";
import type { Examples } from "./examples.ts";
import type { Key } from "./key.ts";
import type { Pages } from "./pages.ts";

/** What `bindCallbacks` needs of the page. */
interface CallbacksParts {
  readonly dom: Dom;
  readonly api: API;
  readonly key: Key;
  readonly pages: Pages;
  readonly examples: Examples;
}

/** Binds the table of recent callbacks. */
export function bindCallbacks({ dom, api, key, pages, examples }: CallbacksParts): void {
  const { find, create, append, createTime, say, count } = dom;

  /** An item of the schema `CallbackList` of the OpenAPI document. */
  interface Callback {
    readonly at: string;
    readonly type: string;
    readonly count: number;
    readonly outcome: string;
    readonly milliseconds: number;
    readonly cached?: boolean;
    readonly attempt?: number;
  }

  const createRow = (callback: Callback): HTMLElement => {
    const { at, type, outcome, milliseconds, cached = false, attempt = 1 } = callback;
    const row = create("tr", "", outcome === "failed" ? "error" : "");
    const time = create("td");
    append(time, createTime(Date.parse(at)));
    const shown =
      outcome + (cached ? ", cached" : "") + (attempt > 1 ? `, attempt ${attempt}` : "");
    const cells = [type, callback.count, shown, milliseconds];
    append(row, time, ...cells.map((cell) => create("td", cell.toLocaleString("en"))));
    return row;
  };

  const show = (callbacks: readonly Callback[]): void => {
    find("#callbacks tbody").replaceChildren(...callbacks.map(createRow));
    find("#callbacks").hidden = callbacks.length === 0;
    find("#no-callbacks").hidden = callbacks.length > 0;
  };

  const load = async (): Promise<void> => {
    if (!key.isAdmin()) {
      say("#callbacks-note", key.whyNoAdmin());
      show([]);
      return;
    }
    try {
      const answer = await api.request("/callbacks");
      const { callbacks } = answer as { callbacks: readonly Callback[] };
      say(
        "#callbacks-note",
        `${count(callbacks.length, "callback")} of the process that responded`,
      );
      show(callbacks);
    } catch (error) {
      say("#callbacks-note", api.refusalOf(error).message, true);
    }
  };
  pages.onShow("callbacks", load);
  find("#refresh-callbacks").addEventListener("click", () => {
    examples.show({ path: "/callbacks" });
    void load();
  });
}
