import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";

const CORS_OPTIONS = {
  allowMethods: ["GET", "HEAD", "POST", "DELETE"],
  exposeHeaders: ["Retry-After"],
  /** Seconds for which a browser may reuse the answer to a preflight request. */
  maxAge: 600,
};

/**
 * Makes the middleware for cross-origin requests (CORS). Pages of the listed origins may use the service and send cookies to it.
 * `*` allows pages of every origin, without cookies, whatever else is listed.
 *
 * A request without `Origin` gets no CORS headers, unless its method is OPTIONS. Most publishers are not browsers, and to set
 * headers after the handler would take a tenth of the CPU time of a publish.
 */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler {
  const everyOrigin = cors({ ...CORS_OPTIONS, origin: "*" });
  const listedOrigins = cors({ ...CORS_OPTIONS, origin: [...origins], credentials: true });
  // For an origin that is not listed: `listedOrigins` would still answer that credentials are allowed.
  const noOrigin = cors({ ...CORS_OPTIONS, origin: [] });
  const allowsEvery = origins.includes("*");
  return (c, next) => {
    const origin = c.req.header("Origin");
    if (origin === undefined && c.req.method !== "OPTIONS") return next();
    // The app that mounts the service has set CORS headers, and these are kept. With `*` in place of its origin, browsers would
    // refuse requests with credentials.
    if (c.res.headers.has("Access-Control-Allow-Origin")) return next();
    if (allowsEvery) return everyOrigin(c, next);
    return (origins.includes(origin ?? "") ? listedOrigins : noOrigin)(c, next);
  };
}
