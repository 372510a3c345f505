import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";

const SHARED = {
  allowMethods: ["GET", "HEAD", "POST", "DELETE"],
  exposeHeaders: ["Retry-After"],
  maxAge: 600,
};

/**
 * Cross-origin resource sharing: pages of the origins that are listed may use the service, and may send cookies to it.
 * `*` lets every page, without cookies. A request that no page of another origin sent is left alone: that is most of
 * what is published, and headers set behind a handler cost a tenth of a publish.
 */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler {
  const anybody = cors({ ...SHARED, origin: "*" });
  const listed = cors({ ...SHARED, origin: [...origins], credentials: true });
  const others = cors({ ...SHARED, origin: [] });
  const isOpen = origins.includes("*");
  return (c, next) => {
    const origin = c.req.header("Origin");
    if (origin === undefined && c.req.method !== "OPTIONS") return next();
    // The policy of the app that this one is mounted in stays: with `*` a browser refuses credentials.
    if (c.res.headers.has("Access-Control-Allow-Origin")) return next();
    if (isOpen) return anybody(c, next);
    return (origins.includes(origin ?? "") ? listed : others)(c, next);
  };
}

/** What a browser may make of an answer: nothing but what it says it is, and no page. Set before, for the same reason. */
export const securityHeaders: MiddlewareHandler = (c, next) => {
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  return next();
};
