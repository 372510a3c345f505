import type { MiddlewareHandler } from "hono";
import type { AuthenticatedCaller } from "../auth/authenticator.ts";
import type { ServerContext } from "../context.ts";

/** Hono's variables behind `requirePublisher`. The name has a prefix since a mounting app has variables of its own. */
export interface PublisherEnv {
  readonly Variables: { readonly "pocketwire.caller": AuthenticatedCaller };
}

/** Refuses a caller without the right to publish to any topic, before the body is read. */
export function requirePublisher({ auth }: ServerContext): MiddlewareHandler<PublisherEnv> {
  return async (c, next) => {
    const caller = await auth.identify(c, true);
    auth.assertMayPublish(caller);
    c.set("pocketwire.caller", caller);
    return next();
  };
}
