import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";

/** The options of every policy. */
const CORS_OPTIONS = {
  allowMethods: ["GET", "HEAD", "POST", "DELETE"],
  exposeHeaders: ["Retry-After"],
  /** Seconds for which a browser may cache the response to a preflight request. */
  maxAge: 600,
};

/**
 * Cross-origin resource sharing. Pages of the listed origins may use the service and send cookies to it. `*` allows pages of
 * every origin, without cookies.
 *
 * A request without `Origin` gets no CORS headers. Most publishers are not browsers, and the headers would add a tenth to the
 * time of a publish.
 */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler {
  const everyOrigin = cors({ ...CORS_OPTIONS, origin: "*" });
  const listedOrigins = cors({ ...CORS_OPTIONS, origin: [...origins], credentials: true });
  // For other origins: answers preflight requests, and sets no header that allows the origin.
  const noOrigin = cors({ ...CORS_OPTIONS, origin: [] });
  const allowsEvery = origins.includes("*");
  return (c, next) => {
    const origin = c.req.header("Origin");
    if (origin === undefined && c.req.method !== "OPTIONS") return next();
    // The app that mounts the service has set its own policy, which is kept. A second `*` would make browsers refuse credentials.
    if (c.res.headers.has("Access-Control-Allow-Origin")) return next();
    if (allowsEvery) return everyOrigin(c, next);
    return (origins.includes(origin ?? "") ? listedOrigins : noOrigin)(c, next);
  };
}
