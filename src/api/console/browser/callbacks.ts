import type { API } from "./api.ts";
import type { Dom } from "./dom.ts";
import type { Examples } from "./examples.ts";

/** Binds the table of recent callbacks. */
export function bindCallbacks({ find, create, append }: Dom, api: API, examples: Examples): void {
  const note = find("#callbacks-note");

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
    const { at, type, count, outcome, milliseconds, cached = false, attempt = 1 } = callback;
    const row = create("tr", "", outcome === "failed" ? "error" : "");
    const shown =
      outcome + (cached ? ", cached" : "") + (attempt > 1 ? `, attempt ${attempt}` : "");
    const cells = [new Date(at).toLocaleTimeString(), type, count, shown, milliseconds];
    append(row, ...cells.map((cell) => create("td", cell.toLocaleString())));
    return row;
  };

  const load = async (): Promise<void> => {
    const path = "/callbacks";
    examples.show({ path, needsKey: true });
    try {
      const { callbacks } = (await api.request(path)) as { callbacks: readonly Callback[] };
      const plural = callbacks.length === 1 ? "" : "s";
      note.textContent = `${callbacks.length} callback${plural} of the process that answered`;
      find("#callbacks tbody").replaceChildren(...callbacks.map(createRow));
      find("#callbacks").hidden = callbacks.length === 0;
    } catch (error) {
      note.textContent = String(error);
    }
  };
  find("#load-callbacks").addEventListener("click", () => void load());
}
