import type { Context, MiddlewareHandler } from "hono";
import type { RequestSpan, TracedRequest, Tracing } from "../../realtime/tracing-port.ts";

/** The variable that `traceRequest` sets on Hono's context. The prefix avoids a clash with variables of the mounting app. */
const SPAN = "pocketwire.span";

/** Traces a request, from before the first middleware of its route until its response is ready. */
export function traceRequest(tracing: Tracing, request: TracedRequest): MiddlewareHandler {
  return (c, next) =>
    tracing.request(request, c.req.raw.headers, async (span) => {
      c.set(SPAN, span);
      await next();
      return { status: c.res.status, error: c.error };
    });
}

/** The span of a request. Undefined without tracing. */
export function spanOf(c: Context): RequestSpan | undefined {
  return c.get(SPAN);
}
