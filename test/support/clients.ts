/** Open clients of tests, so that a failed test leaves no client open for the next one. */
const closers = new Set<() => void>();

/** Registers a function that closes a client. @returns a function that removes the registration once the client is closed. */
export function trackClient(close: () => void): () => void {
  closers.add(close);
  return () => closers.delete(close);
}

/** Closes every client that is still open. */
export function closeClients(): void {
  for (const close of closers) close();
  closers.clear();
}
