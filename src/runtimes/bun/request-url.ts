import { formatURL } from "../process/listening.ts";

/**
 * Completes `request.url`. With Bun 1.4, the URL is a path without an origin if the request has no valid Host header. Hono
 * would read a part of the path as the host. A request without a Host header (HTTP/1.0) gets the address at which the server
 * listens.
 *
 * @returns false if the URL is not valid, so the request must be refused.
 */
export function completeURL(request: Request, host: string, port: number): boolean {
  if (URL.canParse(request.url)) return true;
  // An empty Host header counts as no header: a client sends it for a target without a host (RFC 9112, section 3.2).
  if (request.headers.get("Host")) return false;
  const url = formatURL(host, port) + request.url;
  if (!request.url.startsWith("/") || !URL.canParse(url)) return false;
  // A new Request would lose its connection, because Bun knows only the original object.
  Object.defineProperty(request, "url", { value: url });
  return true;
}
