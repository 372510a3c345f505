import type { MiddlewareHandler } from "hono";
import type { AuthenticatedCaller } from "../auth/authenticator.ts";
import type { ServerContext } from "../context.ts";

/**
 * The variables that `requirePublisher` sets on Hono's context. The prefix avoids a clash with variables of the app that mounts
 * the service.
 */
export interface PublisherEnv {
  readonly Variables: { readonly "pocketwire.caller": AuthenticatedCaller };
}

/** Refuses a caller that may publish to no topic. Runs before the body is read. */
export function requirePublisher({ auth }: ServerContext): MiddlewareHandler<PublisherEnv> {
  return async (c, next) => {
    const caller = await auth.identify(c, true);
    auth.assertMayPublish(caller);
    c.set("pocketwire.caller", caller);
    return next();
  };
}
