import type { MiddlewareHandler } from "hono";

/**
 * Sets headers that keep a browser from guessing the type of a response, from showing the response in a frame, and from running
 * or loading what the response contains. The headers are set before the handler runs, which costs less than setting them on a
 * finished response.
 */
export const securityHeaders: MiddlewareHandler = (c, next) => {
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  return next();
};
