import type { MiddlewareHandler } from "hono";

/**
 * Cross-origin resource sharing (https://fetch.spec.whatwg.org/#http-cors-protocol). Pages of the listed origins may use the
 * service and send cookies to it. `*` allows pages of every origin, without cookies. An origin that is not listed gets no
 * `Access-Control-Allow-Origin`.
 *
 * A request without `Origin` gets no CORS headers, unless its method is OPTIONS. Most publishers are not browsers, and the
 * headers would add a tenth to the time of a publish.
 */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler {
  const allowsEvery = origins.includes("*");
  return async (c, next) => {
    const origin = c.req.header("Origin");
    const isPreflight = c.req.method === "OPTIONS";
    if (origin === undefined && !isPreflight) return next();
    const { headers } = c.res;
    // The app that mounts the service has set its own policy, which is kept. If `*` replaced the app's origin, browsers would
    // refuse requests with credentials.
    if (headers.has("Access-Control-Allow-Origin")) return next();
    if (allowsEvery) headers.set("Access-Control-Allow-Origin", "*");
    else if (origin !== undefined && origins.includes(origin)) {
      headers.set("Access-Control-Allow-Origin", origin);
      headers.set("Access-Control-Allow-Credentials", "true");
    }
    headers.set("Access-Control-Expose-Headers", "Retry-After");
    if (!isPreflight) {
      await next();
      if (!allowsEvery) c.header("Vary", "Origin", { append: true });
      return;
    }
    if (!allowsEvery) headers.append("Vary", "Origin");
    // Seconds for which a browser may cache this response.
    headers.set("Access-Control-Max-Age", "600");
    headers.set("Access-Control-Allow-Methods", "GET,HEAD,POST,DELETE");
    const requested = c.req.header("Access-Control-Request-Headers");
    if (requested) {
      headers.set("Access-Control-Allow-Headers", requested);
      headers.append("Vary", "Access-Control-Request-Headers");
    }
    return new Response(null, { headers, status: 204 });
  };
}
