import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";

const SHARED = {
  allowMethods: ["GET", "HEAD", "POST", "DELETE"],
  exposeHeaders: ["Retry-After"],
  maxAge: 600,
};

/**
 * Cross-origin resource sharing: pages of the origins that are listed may use the service, and may send cookies to it.
 * `*` lets every page, without cookies.
 */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler {
  if (origins.includes("*")) return cors({ ...SHARED, origin: "*" });
  const listed = cors({ ...SHARED, origin: [...origins], credentials: true });
  const others = cors({ ...SHARED, origin: [] });
  return (c, next) => (origins.includes(c.req.header("Origin") ?? "") ? listed : others)(c, next);
}

/** What a browser may make of an answer: nothing but what it says it is, and no page. */
export const protectAnswers: MiddlewareHandler = secureHeaders({
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  referrerPolicy: "no-referrer",
  // Other origins are let in by `allowOrigins`.
  crossOriginResourcePolicy: false,
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  // Whether there is TLS in front is for who put it there to say.
  strictTransportSecurity: false,
});
