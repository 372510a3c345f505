import type { Dom } from "./dom.ts";
import type { Key } from "./key.ts";

/** The pages of the console. The address has the name of the page that is shown. */
export type Pages = ReturnType<typeof createPages>;

export function createPages({ find }: Dom, key: Key) {
  /** Milliseconds between two loads of the list that is shown. */
  const REFRESH = 5000;
  const names = [...document.querySelectorAll<HTMLElement>(".page")].map(({ id }) => id.slice(5));
  const loaders = new Map<string, () => Promise<void>>();
  let shown = "";
  const loading = new Set<string>();

  /** Loads the list of the page that is shown. Does nothing while the list is loading. */
  const load = async (): Promise<void> => {
    const name = shown;
    const loader = loaders.get(name);
    if (loader === undefined || loading.has(name)) return;
    loading.add(name);
    await loader();
    loading.delete(name);
  };

  const show = (): void => {
    const wanted = location.hash.slice(2);
    shown = names.includes(wanted) ? wanted : "live";
    for (const name of names) find(`#page-${name}`).hidden = name !== shown;
    for (const link of document.querySelectorAll<HTMLAnchorElement>("nav a[href^='#/']")) {
      if (link.hash === `#/${shown}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    void load();
  };

  addEventListener("hashchange", show);
  setInterval(() => {
    if (!document.hidden) void load();
  }, REFRESH);
  key.onChange(() => void load());

  return {
    show,
    /** @param loader Loads the list of a page. Must not reject: it shows errors on the page. */
    onShow: (name: string, loader: () => Promise<void>): void => {
      loaders.set(name, loader);
    },
    isShown: (name: string): boolean => shown === name,
    open: (name: string): void => {
      location.hash = `/${name}`;
    },
  };
}
