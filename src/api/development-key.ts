import type { Context } from "hono";
import { RealtimeError } from "../realtime/errors.ts";
import { isOwnAddress } from "./credentials.ts";

/** The key in `.dev.vars`, which is published with this package. */
export const DEVELOPMENT_KEY = "pocketwire-development-key";

/**
 * Refuses the published key to pages of other sites: a page that is open in the developer's browser reaches the service on
 * the developer's machine. Pages of this address and of the machine itself may use the key, as may what sends no `Origin`.
 *
 * @throws RealtimeError `not_allowed`.
 */
export function refuseForeignPageWithDevelopmentKey(c: Context, key: string): void {
  const origin = c.req.header("Origin");
  if (key !== DEVELOPMENT_KEY || origin === undefined) return;
  if (isOwnAddress(c, origin) || isLoopback(origin)) return;
  throw new RealtimeError(
    "not_allowed",
    "The development key is refused to pages of other sites, since it is published. Set REALTIME_ADMIN_KEY to a key of your own.",
  );
}

function isLoopback(origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  return /^(?:(?:.+\.)?localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(origin).hostname);
}
