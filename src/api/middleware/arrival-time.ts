import type { MiddlewareHandler } from "hono";
import type { ServerContext } from "../context.ts";

/**
 * The variables that `recordArrivalTime` sets on Hono's context. The prefix avoids a clash with variables of the app that
 * mounts the service.
 */
export interface ArrivalEnv {
  readonly Variables: { readonly "pocketwire.arrivedAt": number };
}

/**
 * Records when a request arrived, before the service waits for its body, a token's issuer or a hook: a later request may
 * overtake it during such a wait.
 *
 * On Workers each isolate has a clock of its own. Two requests of one client that two isolates serve are ordered by these
 * clocks, to the millisecond.
 */
export function recordArrivalTime({ clocks }: ServerContext): MiddlewareHandler<ArrivalEnv> {
  return (c, next) => {
    c.set("pocketwire.arrivedAt", clocks.nextArrival());
    return next();
  };
}
