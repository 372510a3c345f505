import type { MiddlewareHandler } from "hono";
import type { ServerContext } from "../context.ts";

/**
 * The variables that `recordArrivalTime` sets on Hono's context. The prefix avoids a clash with variables of the app that
 * mounts the service.
 */
export interface ArrivalEnv {
  readonly Variables: { readonly "pocketwire.arrivedAt": number };
}

/** Milliseconds. A double holds today's time in milliseconds with fractions of 1/4096, so adding this step is exact. */
const STEP = 1 / 1024;

/**
 * Records when a request arrived, before the service waits for its body, a token's issuer or a hook: a later request may
 * overtake it during such a wait. No two requests of this middleware get the same time, and the time never goes back.
 *
 * On Workers each isolate has a clock of its own. Two requests of one client that two isolates serve are ordered by these
 * clocks, to the millisecond.
 */
export function recordArrivalTime({ clocks }: ServerContext): MiddlewareHandler<ArrivalEnv> {
  let last = 0;
  return (c, next) => {
    last = Math.max(clocks.now(), last + STEP);
    c.set("pocketwire.arrivedAt", last);
    return next();
  };
}
