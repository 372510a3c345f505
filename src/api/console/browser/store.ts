/** Values that survive a reload (`sessionStorage`). The browser removes them when the tab is closed. */
export type Store = ReturnType<typeof createStore>;

export function createStore() {
  // Several services may have the same origin, at different paths.
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
