import type { MiddlewareHandler } from "hono";

export interface ArrivalEnv {
  readonly Variables: { readonly arrivedAt: number };
}

/** A double has room for so fine a part of a millisecond of our time. */
const STEP = 1 / 1024;

/**
 * Notes when a request arrived, before anything of it is awaited: its body, an issuer of tokens or a hook may take longer
 * than those of a later request. No two requests get the same time, and the time never goes back.
 *
 * On Workers each isolate has a clock and an order of its own. Two requests of one client that two isolates serve are
 * ordered by their clocks, to the millisecond.
 */
export function recordArrivalTime(now: () => number): MiddlewareHandler<ArrivalEnv> {
  let last = 0;
  return (c, next) => {
    last = Math.max(now(), last + STEP);
    c.set("arrivedAt", last);
    return next();
  };
}
