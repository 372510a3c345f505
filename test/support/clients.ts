/** What tests have open, so that one that failed leaves nothing to the next. */
const closers = new Set<() => void>();

/** Notes how to close a client; returns how to forget it once it is closed. */
export function trackClient(close: () => void): () => void {
  closers.add(close);
  return () => closers.delete(close);
}

/** Closes every client that is open still. */
export function closeClients(): void {
  for (const close of closers) close();
  closers.clear();
}
