import type { API } from "./api.ts";
import type { Dom } from "./dom.ts";
import type { Examples } from "./examples.ts";

/** Binds the list of clients. */
export function bindClients({ find, create, append }: Dom, api: API, examples: Examples): void {
  const note = find("#clients-note");

  interface Client {
    readonly clientId: string;
    readonly ip?: string;
    readonly identity?: string;
    readonly subscriptions: readonly string[];
  }

  const showError = (error: unknown): void => {
    note.textContent = String(error);
  };

  const createItem = ({ clientId, identity, ip, subscriptions }: Client): HTMLElement => {
    const item = create("li");
    const disconnect = create("button", "Disconnect");
    disconnect.setAttribute("aria-label", `Disconnect ${clientId}`);
    disconnect.addEventListener("click", () => {
      const path = `/clients/${encodeURIComponent(clientId)}`;
      api.request(path, { method: "DELETE" }).then(load, showError);
    });
    append(
      item,
      create("p", [clientId, identity, ip].filter(Boolean).join(" · ")),
      create("p", subscriptions.join(", ") || "no subscriptions"),
      disconnect,
    );
    return item;
  };

  const load = async (): Promise<void> => {
    const path = "/clients?limit=50";
    examples.show({ path, needsKey: true });
    try {
      const page = await api.request(path);
      const { clients, next } = page as { clients: readonly Client[]; next?: string | null };
      const more = next === undefined || next === null ? "" : ", and more";
      note.textContent = `${clients.length} client${clients.length === 1 ? "" : "s"}${more}`;
      find("#clients").replaceChildren(...clients.map(createItem));
    } catch (error) {
      showError(error);
    }
  };
  find("#load-clients").addEventListener("click", () => void load());
}
