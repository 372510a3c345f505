import type { MiddlewareHandler } from "hono";
import type { ServerContext } from "../context.ts";

/** Makes middleware that refuses a stream when its address has opened too many. */
export function limitConnects({ auth, rateLimits }: ServerContext): MiddlewareHandler {
  return async (c, next) => {
    rateLimits.addresses.checkConnect(auth.addressOf(c));
    return next();
  };
}

/** Makes middleware that refuses to read the history when the address has read it too often. */
export function limitHistoryReads({ auth, rateLimits }: ServerContext): MiddlewareHandler {
  return async (c, next) => {
    rateLimits.addresses.checkHistoryRead(auth.addressOf(c));
    return next();
  };
}
