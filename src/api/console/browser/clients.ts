import type { API } from "./api.ts";
import type { Dom } from "./dom.ts";
import type { Examples } from "./examples.ts";
import type { Key } from "./key.ts";
import type { Pages } from "./pages.ts";

/** What `bindClients` needs of the page. */
interface ClientsParts {
  readonly dom: Dom;
  readonly api: API;
  readonly key: Key;
  readonly pages: Pages;
  readonly examples: Examples;
}

/** Binds the list of clients, and the form that revokes a user. One function longer than 50 lines: a part must be self-contained (parts.ts). */
export function bindClients({ dom, api, key, pages, examples }: ClientsParts): void {
  const { find, create, append, createButton, createTime, replace, say, count, confirm } = dom;
  /** Rows that are shown at first, and with each press of "More clients". */
  const PAGE = 50;
  /** Number of clients in one response, and the most clients that a search covers. */
  const LIMIT = 1000;
  const MAX_SEARCHED = 10_000;
  const search = find<HTMLInputElement>("#search-clients");
  let wanted = PAGE;
  /** Number of the newest load. The response to an earlier load is ignored. */
  let newest = 0;
  /** Milliseconds after a key press until the search begins. */
  const SEARCH_DELAY = 200;
  let timer: ReturnType<typeof setTimeout> | undefined;

  interface Client {
    readonly clientId: string;
    readonly ip?: string;
    readonly identity?: string;
    readonly subscriptions: readonly string[];
    readonly connectedAt: number;
  }
  interface ClientPage {
    readonly clients: readonly Client[];
    readonly next?: string | null;
  }

  const showFailure = (error: unknown): void =>
    say("#clients-note", api.refusalOf(error).message, true);

  const disconnect = (clientId: string): void => {
    const path = `/clients/${encodeURIComponent(clientId)}`;
    examples.show({ path, method: "DELETE" });
    api.request(path, { method: "DELETE" }).then(load, showFailure);
    find("#h-clients").focus();
  };

  const revoke = async (subject: string): Promise<void> => {
    const text = `This ends all streams of ${subject}, and refuses every token that ${subject} has received so far.`;
    if (!(await confirm(`Revoke ${subject}?`, text, "Revoke"))) return;
    examples.show({ path: "/revoke", body: { subject } });
    try {
      const { disconnected } = (await api.post("/revoke", { subject })) as { disconnected: number };
      say("#revoke-note", `Revoked ${subject}: ${count(disconnected, "stream")} ended.`);
      void load();
    } catch (error) {
      say("#revoke-note", api.refusalOf(error).message, true);
    }
  };

  /** @param label The heading of the column, which a phone shows in the cell. */
  const createCell = (label: string, text: string, content?: HTMLElement): HTMLElement => {
    const cell = create("td", text);
    cell.dataset.label = label;
    if (content !== undefined) append(cell, content);
    return cell;
  };

  const createRow = ({ clientId, identity, ip, subscriptions, connectedAt }: Client) => {
    const row = create("tr");
    const isOwn = find("#client-id").textContent === clientId;
    const actions = create("td", "", "actions");
    append(
      actions,
      createButton("Disconnect", `Disconnect ${clientId}`, () => disconnect(clientId)),
    );
    // The identity of the admin key is not a user. It contains a tab character.
    const isAdmin = identity?.includes("\t");
    if (identity !== undefined && !isAdmin) {
      const label = `Revoke ${identity}, ${clientId}`;
      append(
        actions,
        createButton("Revoke", label, () => void revoke(identity)),
      );
    }
    const topics = subscriptions.map((one) => one.split(/[?&]options=/)[0]).join(", ");
    append(
      row,
      createCell("Client", "", create("code", isOwn ? `${clientId} (this page)` : clientId)),
      createCell("User", isAdmin ? "admin" : (identity ?? "guest")),
      createCell("Address", ip ?? ""),
      createCell("Subscriptions", topics || "none"),
      createCell("Since", "", createTime(connectedAt)),
      actions,
    );
    return row;
  };

  /** Returns the clients that contain the text of the search. Reads pages until there are enough, or to the limit of a search. */
  const findClients = async (
    own: number,
  ): Promise<{ found: Client[]; searched: number; isAll: boolean }> => {
    const text = search.value.trim().toLowerCase();
    const found: Client[] = [];
    let searched = 0;
    for (let after = ""; ; ) {
      const limit = text === "" ? Math.min(wanted, LIMIT) : LIMIT;
      const query = new URLSearchParams({ limit: String(limit), ...(after !== "" && { after }) });
      const { clients, next } = (await api.request(`/clients?${query}`)) as ClientPage;
      searched += clients.length;
      found.push(
        ...clients.filter((client) => JSON.stringify(client).toLowerCase().includes(text)),
      );
      const isAll = typeof next !== "string";
      const isEnough = found.length >= wanted || searched >= MAX_SEARCHED;
      // A newer load has begun.
      if (isAll || isEnough || own !== newest) {
        return { found, searched, isAll };
      }
      after = next;
    }
  };

  const show = (clients: readonly Client[], hasMore: boolean): void => {
    replace(find("#clients tbody"), clients.map(createRow));
    find("#clients").hidden = clients.length === 0;
    find("#no-clients").hidden = clients.length > 0;
    find("#more-clients").hidden = !hasMore;
  };

  const load = async (): Promise<void> => {
    newest += 1;
    const own = newest;
    if (!key.isAdmin()) {
      say("#clients-note", key.whyNoAdmin());
      show([], false);
      return;
    }
    try {
      const { found, searched, isAll } = await findClients(own);
      if (own !== newest) return;
      const shown = found.slice(0, wanted);
      const hasMore = !isAll || found.length > wanted;
      const isSearch = search.value.trim() !== "";
      const place = isSearch ? ` among the first ${searched.toLocaleString("en")}` : "";
      say(
        "#clients-note",
        `${count(shown.length, "client")}${place}${hasMore ? ", and more" : ""}`,
      );
      show(shown, hasMore && searched < MAX_SEARCHED);
    } catch (error) {
      if (own === newest) showFailure(error);
    }
  };

  pages.onShow("clients", load);
  find("#refresh-clients").addEventListener("click", () => {
    examples.show({ path: `/clients?limit=${PAGE}` });
    void load();
  });
  find("#more-clients").addEventListener("click", () => {
    wanted += PAGE;
    void load();
  });
  search.addEventListener("input", () => {
    wanted = PAGE;
    clearTimeout(timer);
    timer = setTimeout(() => void load(), SEARCH_DELAY);
  });
  find("#revoke").addEventListener("submit", (event) => {
    event.preventDefault();
    void revoke(find<HTMLInputElement>("#revoke [name=subject]").value.trim());
  });
}
