import type { MiddlewareHandler } from "hono";
import type { ServerContext } from "../context.ts";

/** Refuses an address that opens streams too often. */
export function limitConnects({ auth, rateLimits }: ServerContext): MiddlewareHandler {
  return async (c, next) => {
    rateLimits.addresses.checkConnect(auth.addressOf(c));
    return next();
  };
}

/** Refuses an address that reads the history too often. */
export function limitHistoryReads({ auth, rateLimits }: ServerContext): MiddlewareHandler {
  return async (c, next) => {
    rateLimits.addresses.checkHistoryRead(auth.addressOf(c));
    return next();
  };
}
