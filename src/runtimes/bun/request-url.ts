import { formatURL } from "../process/listening.ts";

/**
 * Completes `request.url`. With Bun 1.4 the URL is a bare path if the request has no Host header, or one that is not valid.
 * Hono would read a part of that path as the host. A request without a Host header (HTTP/1.0) gets the address at which the
 * server listens.
 *
 * @returns false if the URL is not valid, so the request must be refused.
 */
export function completeURL(request: Request, host: string, port: number): boolean {
  if (URL.canParse(request.url)) return true;
  // An empty Host header counts as none: a client sends it for a target without a host (RFC 9112, section 3.2).
  if (request.headers.get("Host")) return false;
  const url = formatURL(host, port) + request.url;
  if (!request.url.startsWith("/") || !URL.canParse(url)) return false;
  // A new Request would lose the connection: Bun knows only this object.
  Object.defineProperty(request, "url", { value: url });
  return true;
}
