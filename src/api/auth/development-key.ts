import type { Context } from "hono";
import { RealtimeError } from "../../realtime/errors.ts";
import { isLoopback } from "./loopback.ts";

/** The admin key in `.dev.vars`. It is public, because the file is part of this repository. */
export const DEVELOPMENT_KEY = "pocketwire-development-key";

/**
 * Refuses the development key to pages of other sites. A malicious page in the developer's browser can reach the service on
 * the developer's machine. So `Origin`, if it is sent, must be a loopback address. The request's host must be one too: the
 * name of another site may resolve to this machine (DNS rebinding), and the browser then sends no foreign `Origin`.
 *
 * @throws RealtimeError `not_allowed` when the development key comes from a page of another host, or is sent to another host.
 */
export function refuseRemoteDevelopmentKey(c: Context, key: string): void {
  if (key !== DEVELOPMENT_KEY) return;
  if ([c.req.url, c.req.header("Origin") ?? c.req.url].every(isLoopbackURL)) return;
  throw new RealtimeError(
    "not_allowed",
    "The development key is public, so it works only at localhost and for pages of localhost. Set the option adminKey to a key of your own.",
  );
}

function isLoopbackURL(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname } = new URL(url);
  // Browsers resolve every name below `localhost` to their own machine.
  return isLoopback(hostname) || hostname.endsWith(".localhost");
}
