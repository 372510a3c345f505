/** What the console keeps for the tab: a reload keeps it, and the end of the tab removes it. */
export type Store = ReturnType<typeof createStore>;

export function createStore() {
  // Two services may have the same origin and other paths.
  const prefix = `pocketwire ${location.pathname} `;

  /** Returns undefined for a value that is not there or can't be read. */
  const read = (name: string): unknown => {
    try {
      return JSON.parse(sessionStorage.getItem(prefix + name) ?? "null") ?? undefined;
    } catch {
      return undefined;
    }
  };

  /** Does nothing where the browser allows no storage. */
  const write = (name: string, value: unknown): void => {
    try {
      sessionStorage.setItem(prefix + name, JSON.stringify(value));
    } catch {}
  };

  return { read, write };
}
