import type { MiddlewareHandler } from "hono";
import type { ServerContext } from "../context.ts";

/** Hono's variables behind `recordArrivalTime`. The name has a prefix since a mounting app has variables of its own. */
export interface ArrivalEnv {
  readonly Variables: { readonly "pocketwire.arrivedAt": number };
}

/** Milliseconds. Today's time in milliseconds leaves a double room for fractions as fine as this. */
const STEP = 1 / 1024;

/**
 * Records when a request arrived, before its body, a token's issuer or a hook is awaited: a later request may overtake it
 * there. No two requests of a process get the same time, and the time never goes back.
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
