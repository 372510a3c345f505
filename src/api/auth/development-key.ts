import type { Context } from "hono";
import { RealtimeError } from "../../realtime/errors.ts";

/** The key in `.dev.vars`, which is published with this package. */
export const DEVELOPMENT_KEY = "pocketwire-development-key";

/**
 * Refuses the published key to pages of other sites: such a page, open in the developer's browser, reaches the service on the
 * developer's machine. So `Origin`, where it is sent, must be of this machine. The host of the request must be too: another
 * site's name may resolve to this machine (DNS rebinding), and then the browser takes the service for that site's own.
 *
 * @throws RealtimeError `not_allowed`.
 */
export function refuseRemoteDevelopmentKey(c: Context, key: string): void {
  if (key !== DEVELOPMENT_KEY) return;
  if ([c.req.url, c.req.header("Origin") ?? c.req.url].every(isOfThisMachine)) return;
  throw new RealtimeError(
    "not_allowed",
    "The development key is published, so it counts only at localhost and for pages of localhost. Set REALTIME_ADMIN_KEY to a key of your own.",
  );
}

function isOfThisMachine(url: string): boolean {
  if (!URL.canParse(url)) return false;
  return /^(?:(?:.+\.)?localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
}
