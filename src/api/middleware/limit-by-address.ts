import type { MiddlewareHandler } from "hono";
import type { ServerContext } from "../context.ts";

/** Refuses requests from an address (`networkOf`) that opens streams too often. */
export function limitConnects({ auth, rateLimits }: ServerContext): MiddlewareHandler {
  return async (c, next) => {
    rateLimits.addresses.checkConnect(auth.addressOf(c));
    return next();
  };
}

/** Refuses requests from an address (`networkOf`) that reads the history too often. */
export function limitHistoryReads({ auth, rateLimits }: ServerContext): MiddlewareHandler {
  return async (c, next) => {
    rateLimits.addresses.checkHistoryRead(auth.addressOf(c));
    return next();
  };
}
