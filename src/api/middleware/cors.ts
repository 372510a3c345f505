import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";

const SHARED = {
  allowMethods: ["GET", "HEAD", "POST", "DELETE"],
  exposeHeaders: ["Retry-After"],
  maxAge: 600,
};

/**
 * Cross-origin resource sharing. Pages of the listed origins may use the service and send cookies to it. `*` allows pages of
 * every origin, without cookies.
 *
 * A request without `Origin` gets no headers: most publishers are no browsers, and headers that are set behind a handler cost
 * a tenth of a publish.
 */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler {
  const everyOrigin = cors({ ...SHARED, origin: "*" });
  const listedOrigins = cors({ ...SHARED, origin: [...origins], credentials: true });
  const noOrigin = cors({ ...SHARED, origin: [] });
  const allowsEvery = origins.includes("*");
  return (c, next) => {
    const origin = c.req.header("Origin");
    if (origin === undefined && c.req.method !== "OPTIONS") return next();
    // The policy of an app that mounts the service stays. A `*` beside it would make browsers refuse credentials.
    if (c.res.headers.has("Access-Control-Allow-Origin")) return next();
    if (allowsEvery) return everyOrigin(c, next);
    return (origins.includes(origin ?? "") ? listedOrigins : noOrigin)(c, next);
  };
}

/**
 * Headers that keep a browser from showing a response as a page or guessing its type. They are set before the handler runs,
 * which costs less than behind it.
 */
export const securityHeaders: MiddlewareHandler = (c, next) => {
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  return next();
};
