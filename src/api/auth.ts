import type { MiddlewareHandler } from "hono";
import { timingSafeEqual } from "hono/utils/buffer";
import { errorResponse } from "./errors.ts";

/** Lets only holders of the admin key through: 403 while there is none to hold, 401 without it. */
export function requireAdmin(adminKey: string | undefined): MiddlewareHandler {
  return async (c, next) => {
    if (adminKey === undefined) {
      return errorResponse(
        c,
        403,
        "This is closed because no admin key is configured. Set REALTIME_ADMIN_KEY and start again.",
      );
    }
    const given = /^Bearer +(.+)$/i.exec(c.req.header("Authorization") ?? "")?.[1] ?? "";
    // It looks at every character whatever it finds, so the time it takes tells nothing of the key.
    if (!(await timingSafeEqual(given, adminKey))) {
      c.header("WWW-Authenticate", 'Bearer realm="pocketwire"');
      return errorResponse(
        c,
        401,
        "The admin key is missing or wrong. Send it as Authorization: Bearer <REALTIME_ADMIN_KEY>.",
      );
    }
    return next();
  };
}
