/**
 * Makes `fetch` end its connection after each request. The service and the HTTP client of this program would otherwise keep idle
 * connections open for 75 seconds, and the soak could not distinguish idle connections from leaked connections. Streams are not
 * affected.
 */
const { fetch } = globalThis;
globalThis.fetch = ((input: RequestInfo | URL, init: RequestInit = {}) => {
  const headers = new Headers(init.headers);
  if (headers.get("Accept") !== "text/event-stream") headers.set("Connection", "close");
  return fetch(input, { ...init, headers });
}) as typeof fetch;

export {};
